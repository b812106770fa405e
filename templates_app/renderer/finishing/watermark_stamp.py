"""A watermark's text or image as a drawing: printed by the document's engine on a page of its own, and cut out.

So a text of any script is shaped as the document's is, with fonts that have its characters, embedded as subsets.
"""

from __future__ import annotations

import html
import io
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import pikepdf
import pypdfium2

from templates_app.renderer.contracts import Asset, Engine, ErrorCode, RenderError
from templates_app.renderer.engines import ENGINES
from templates_app.renderer.finishes import Watermark
from templates_app.renderer.resources import Resources

FONT_SIZE = 20
_MARGIN = 20
_IMAGE_SIDE = 400
_TEXT_PAGE = """<!doctype html><html lang="und"><style>@page {{ size: {width}pt {height}pt; margin: 0 }}
body {{ margin: 0 }} p {{ margin: {margin}pt; width: max-content; white-space: pre; text-align: center;
font: bold {font_size}pt/1.2 sans-serif; color: {color} }}</style><p dir="{direction}">{text}</p>"""
_IMAGE_PAGE = """<!doctype html><style>@page {{ size: {page}pt; margin: 0 }} body {{ margin: {margin}pt }}
img {{ display: block; max-width: {side}pt; max-height: {side}pt }}</style><img src="asset:watermark" alt="">"""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A form XObject in a document of its own, whose lower left corner is at the origin, and its size in points."""

    owner: pikepdf.Pdf
    form: pikepdf.Object
    size: tuple[float, float]


def stamp_of(wish: Watermark, engine: Engine) -> Stamp:
    """Return the stamp of a watermark; raise RenderError when the engine draws nothing of it."""
    return _stamp(engine, wish.text, wish.color, wish.image, wish.image_type)


# A child serves one team, whose documents mostly have the same watermark.
@lru_cache(maxsize=4)
def _stamp(engine: Engine, text: str, color: str, image: bytes, image_type: str) -> Stamp:
    page = _image_page() if image else _text_page(text, color)
    assets = (Asset("watermark", image_type, image),) if image else ()
    pdf = ENGINES[engine].render(page, Resources(assets))
    bounds = _drawn_image(pdf) if image else _drawn_text(pdf)
    if bounds is None:
        message = f"the watermark's {'image' if image else 'text'} cannot be drawn"
        raise RenderError(ErrorCode.ASSET_MISSING, message, permanent=True)
    return _cut_out(pdf, bounds)


def _text_page(text: str, color: str) -> str:
    lines = text.split("\n")
    return _TEXT_PAGE.format(
        width=max(map(len, lines)) * 2 * FONT_SIZE + 2 * _MARGIN,
        height=len(lines) * 2 * FONT_SIZE + 2 * _MARGIN,
        margin=_MARGIN,
        font_size=FONT_SIZE,
        color=color,
        direction=_direction(text),
        text=html.escape(text),
    )


def _direction(text: str) -> str:
    """Return the direction of the first letter that has one (Unicode's rule P2)."""
    strong = (unicodedata.bidirectional(one) for one in text)
    return "rtl" if next((kind for kind in strong if kind in {"L", "R", "AL"}), "L") != "L" else "ltr"


def _image_page() -> str:
    return _IMAGE_PAGE.format(page=_IMAGE_SIDE + 2 * _MARGIN, margin=_MARGIN, side=_IMAGE_SIDE)


def _drawn_text(pdf: bytes) -> tuple[float, float, float, float] | None:
    """Return left, bottom, right and top of all glyphs, None when there are none."""
    with pypdfium2.PdfDocument(pdf) as document:
        boxes = [item.get_bounds() for item in document[0].get_objects()]
    if not boxes:
        return None
    left, bottom, right, top = zip(*boxes, strict=True)
    return min(left), min(bottom), max(right), max(top)


def _drawn_image(pdf: bytes) -> tuple[float, float, float, float] | None:
    """Return left, bottom, right and top of what is not transparent: an SVG has no other bounds."""
    scale = 2
    with pypdfium2.PdfDocument(pdf) as document:
        page = document[0]
        height = page.get_height()
        picture = page.render(scale=scale, fill_color=(0, 0, 0, 0)).to_pil()
    box = picture.getchannel("A").getbbox()
    if box is None:
        return None
    return box[0] / scale, height - box[3] / scale, box[2] / scale, height - box[1] / scale


def _cut_out(pdf: bytes, bounds: tuple[float, float, float, float]) -> Stamp:
    left, bottom, right, top = bounds
    owner = pikepdf.open(io.BytesIO(pdf))
    form = owner.pages[0].as_form_xobject()
    form.BBox = pikepdf.Array([round(edge, 3) for edge in bounds])
    form.Matrix = pikepdf.Array([1, 0, 0, 1, round(-left, 3), round(-bottom, 3)])
    # As one group: where glyphs overlap, a faint one would else show through the other.
    form.Group = pikepdf.Dictionary(S=pikepdf.Name.Transparency, CS=pikepdf.Name.DeviceRGB, I=True)
    return Stamp(owner, owner.make_indirect(form), (right - left, top - bottom))
