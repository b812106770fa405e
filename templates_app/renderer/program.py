"""What zygote and children run in production: warm the engines once, then answer specs."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from PIL import Image

from templates_app.renderer import glyphs, merging, pipeline
from templates_app.renderer.contracts import (
    Asset,
    Engine,
    Language,
    MergeSpec,
    RenderedDocument,
    RenderSpec,
    ResourcePolicy,
)
from templates_app.renderer.languages import handlebars
from templates_app.renderer.tasks import (
    Tasks,
    check_version,
    first_page,
    inspect_asset,
    inspect_logo,
    page_pictures,
    preview,
)

__all__ = ["TASKS", "answer", "warm"]

TASKS: Tasks = {
    "check_version": check_version.perform,
    "first_page": first_page.perform,
    "inspect_asset": inspect_asset.perform,
    "inspect_logo": inspect_logo.perform,
    "page_pictures": page_pictures.perform,
    "preview": preview.perform,
}

_FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts")
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text y="9">s</text><circle r="4"/></svg>'
_SOURCE = """<!doctype html><html lang="en"><head><title>Warm</title><style>
@page { size: A4; margin: 2cm; @bottom-right { content: counter(page) "/" counter(pages) } }
@font-face { font-family: own; src: url(asset:font) }
h1 { font-family: own; bookmark-level: 1 } p { hyphens: auto; font-family: sans-serif }
.f { display: flex } .g { display: grid } li::marker { color: red } table { border-collapse: collapse }
</style></head><body><h1 id="a">{{ title }}</h1><p>{% for word in words %}<b>{{ word }}</b> <i>x</i> {% endfor %}</p>
<p style="font-family: serif">ä€ß <code>mono</code> <a href="#a">link</a></p><ul><li>one</ul><div class="f"><p>f</div>
<div class="g"><p>g</div><table><thead><tr><th>h<tbody><tr><td>{{ "%.2f"|format(1.5) }}</table>
<img src="asset:p.png"><img src="asset:j.jpg"><img src="asset:s.svg">
<svg width="9" height="9"><path d="M0 0h9v9z"/></svg></body></html>"""


def answer(spec: RenderSpec | MergeSpec) -> RenderedDocument:
    """Make what is asked for; raise RenderError."""
    return merging.merge(spec) if isinstance(spec, MergeSpec) else pipeline.answer(spec)


def warm() -> None:
    """Import, load and cache whatever documents commonly need, by making one rich document on every engine."""
    Image.init()
    handlebars.warm()
    glyphs.learn_installed()
    for engine in Engine:
        spec = RenderSpec(
            language=Language.JINJA2,
            engine=engine,
            html_source=_SOURCE,
            css_source="p { color: #123 }",
            payload=b'{"title": "Warm", "words": ["a", "b"]}',
            assets=_assets(),
            resource_policy=ResourcePolicy.WARN,
            created_at="2000-01-01T00:00:00Z",
        )
        answer(spec)
        # Once more without a font of its own: only then does WeasyPrint keep what it knows of the machine's fonts.
        answer(replace(spec, html_source="<p>plain", assets=()))


def _assets() -> tuple[Asset, ...]:
    assets = [
        Asset("p.png", "image/png", _image("PNG")),
        Asset("j.jpg", "image/jpeg", _image("JPEG")),
        Asset("s.svg", "image/svg+xml", _SVG),
    ]
    fonts = (path for folder in _FONT_FOLDERS for path in sorted(Path(folder).rglob("*.ttf")))
    if font := next(fonts, None):
        assets.append(Asset("font", "font/ttf", font.read_bytes()))
    return tuple(assets)


def _image(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (2, 2), "red").save(stream, kind)
    return stream.getvalue()
