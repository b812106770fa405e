"""What of a watermark a job takes along when it is accepted: all of it, so that it prints what was asked for.

The copy lies in the job's options, and so in what equal requests have in common: a watermark that was changed since
makes another document. Of an image it names the bytes, which stay in storage for longer than any job.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pdfservice.lib.errors import Fault, ServiceError
from pdfservice.lib.object_cache import objects
from pdfservice.teams.models import Team
from templates_app.page_ranges import page_ranges
from templates_app.renderer.finishes import Watermark
from templates_app.watermark_models import WatermarkConfig, WatermarkPosition

_ID, _COPY = "watermark_config_id", "watermark"


def with_watermark(options: Mapping[str, Any], *, team: Team) -> dict[str, Any]:
    """Return `options` with a copy of the watermark that they name; raise ServiceError (404) where there is none."""
    others = {name: value for name, value in options.items() if name not in {_ID, _COPY}}
    wanted = options.get(_ID)
    if wanted is None:
        return others
    found = WatermarkConfig.objects.for_team(team).select_related("image").filter(external_id=wanted).first()
    if found is None:
        message = "There is no such watermark."
        raise ServiceError(404, "not_found", message, [Fault(f"/options/{_ID}", message)])
    return {**others, _ID: str(wanted), _COPY: _copy(found)}


def watermark_of(options: Mapping[str, Any]) -> Watermark | None:
    """Return the watermark that `options` hold a copy of; raise ObjectMissing or StorageUnavailable for its image."""
    copy = options.get(_COPY)
    if copy is None:
        return None
    return Watermark(
        text=copy["text"],
        image=objects.read(copy["image_key"]) if copy["image_key"] else b"",
        image_type=copy["image_type"],
        opacity=copy["opacity"],
        rotation_deg=copy["rotation_deg"],
        font_size=copy["font_size"],
        width_percent=copy["width_percent"],
        color=copy["color"],
        repeat=copy["repeat"],
        above=copy["above"],
        pages=page_ranges(copy["pages"]) or (),
    )


def _copy(watermark: WatermarkConfig) -> dict[str, Any]:
    image = watermark.image
    return {
        "text": watermark.content,
        "image_key": image.storage_key if image else "",
        "image_type": image.content_type if image else "",
        "opacity": watermark.opacity,
        "rotation_deg": watermark.rotation_deg,
        "font_size": watermark.font_size,
        "width_percent": watermark.width_percent,
        "color": watermark.color_hex,
        "repeat": watermark.repeat_tile,
        "above": watermark.position == WatermarkPosition.ABOVE,
        "pages": watermark.pages,
    }
