"""What a watermark looks like before it is saved: on a page of sample text, or on a template's active version."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from pdfservice.lib.errors import ServiceError
from pdfservice.lib.object_cache import objects
from pdfservice.teams.models import Team
from templates_app.authoring.live_previews import page_pictures
from templates_app.authoring.parts import asset_content_type
from templates_app.authoring.previews import render_refusal
from templates_app.authoring.watermarks import WatermarkFields
from templates_app.models import AssetType, TemplateVersion
from templates_app.page_ranges import page_ranges
from templates_app.renderer.contracts import Engine, Language, RenderError, RenderSpec
from templates_app.renderer.finishes import Finish, Watermark
from templates_app.rendering import version_spec
from templates_app.watermark_models import WatermarkConfig, WatermarkPosition

_DPI = 60
_PARAGRAPH = (
    "<p>The quick brown fox jumps over the lazy dog. Pack my box with five dozen liquor jugs, and mind how a word "
    "reads where the watermark crosses it. Sphinx of black quartz, judge my vow.</p>"
)
_SAMPLE = f"""<!doctype html><html lang="en"><head><title>Sample</title><style>
@page {{ size: A4; margin: 22mm }} body {{ font: 11pt/1.5 "DejaVu Sans"; color: #1a1a1a }}
table {{ width: 100%; border-collapse: collapse }} td {{ border-bottom: 1px solid #999; padding: 2mm 0 }}
</style></head><body><h1>A page to look at</h1>{_PARAGRAPH * 3}
<table><tr><td>One row<td>of a table<td>12.50</tr><tr><td>Another row<td>of it<td>7.00</tr></table>{_PARAGRAPH * 3}
</body></html>"""


def watermark_preview(
    *,
    team: Team,
    fields: WatermarkFields,
    stored: WatermarkConfig | None,
    image: bytes | None,
    version: TemplateVersion | None,
    sitting: str,
) -> bytes:
    """Return a PNG of a first page with a watermark of these fields; `stored` gives the image where none is sent.

    Raises ServiceError: 422 for an image or a document that cannot be shown, 409 `stale` and 429 as `live_preview`.
    """
    watermark = _watermark(team, fields, stored, image)
    spec = _sample_spec() if version is None else _version_spec(version)
    spec = replace(spec, finish=Finish(watermark=replace(watermark, pages=())))
    try:
        pages = page_pictures(
            spec, first=1, count=1, dpi=_DPI, small=False, tenant=str(team.pk), sitting=f"watermark:{sitting}"
        )
    except RenderError as error:
        raise render_refusal(error) from error
    if not pages.large:
        raise ServiceError(422, "page_missing", "The document has no page.")
    return pages.large[0]


def _watermark(team: Team, fields: WatermarkFields, stored: WatermarkConfig | None, image: bytes | None) -> Watermark:
    image_type = ""
    if image is not None:
        image_type = asset_content_type(image, asset_type=AssetType.IMAGE, tenant=str(team.pk))
    elif stored is not None and stored.image is not None:
        image, image_type = objects.read(stored.image.storage_key), stored.image.content_type
    return Watermark(
        text=fields.get("content", ""),
        image=image or b"",
        image_type=image_type,
        opacity=fields["opacity"],
        rotation_deg=fields["rotation_deg"],
        font_size=fields.get("font_size"),
        width_percent=fields.get("width_percent"),
        color=fields["color_hex"],
        repeat=fields.get("repeat_tile", False),
        above=fields["position"] == WatermarkPosition.ABOVE,
        pages=page_ranges(fields.get("pages", "")) or (),
    )


def _sample_spec() -> RenderSpec:
    return RenderSpec(language=Language.RAW_HTML, engine=Engine.PLUTOBOOK, html_source=_SAMPLE)


def _version_spec(version: TemplateVersion) -> RenderSpec:
    sample: Any = version.sample_payload or {}
    return version_spec(version, json.dumps(sample), created_at="")
