"""Stamp pages with a text or an image: one drawing for each size of page, which all pages of that size share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import pikepdf

from templates_app.renderer.contracts import RenderSpec
from templates_app.renderer.finishes import Watermark
from templates_app.renderer.finishing.page_frames import Frames, PageFrame, inherited
from templates_app.renderer.finishing.watermark_pattern import placements
from templates_app.renderer.finishing.watermark_stamp import Stamp, stamp_of


@dataclass(frozen=True, slots=True)
class _Drawing:
    """What a page needs to show the watermark: the name and the drawing for its resources, streams for its contents."""

    name: str
    form: pikepdf.Object
    alone: pikepdf.Object
    before: pikepdf.Object
    after: pikepdf.Object | None


def apply(document: pikepdf.Pdf, spec: RenderSpec, engine_version: str) -> None:
    """Draw the watermark on the pages that it is for."""
    wish = spec.finish.watermark
    if wish is None:
        return
    stamp = stamp_of(wish, spec.engine)
    shape = document.copy_foreign(stamp.form)
    forms: dict[tuple[float, float], tuple[str, pikepdf.Object]] = {}
    drawings: dict[PageFrame, _Drawing] = {}
    frames = Frames()
    for number, page in enumerate(document.pages, start=1):
        if not _is_for(wish, number):
            continue
        frame = frames.of(page.obj)
        if frame not in drawings:
            if frame.size not in forms:
                forms[frame.size] = f"/Wm{len(forms)}", _form(document, wish, stamp, shape, frame.size)
            drawings[frame] = _drawing(document, wish, frame, *forms[frame.size])
        _draw(page.obj, drawings[frame])


def _is_for(wish: Watermark, number: int) -> bool:
    return not wish.pages or any(first <= number and (last is None or number <= last) for first, last in wish.pages)


def _form(
    document: pikepdf.Pdf, wish: Watermark, stamp: Stamp, shape: pikepdf.Object, size: tuple[float, float]
) -> pikepdf.Object:
    """Return the whole watermark of a page of this size (width and height as readers see it, in points)."""
    faint = pikepdf.Dictionary(Type=pikepdf.Name.ExtGState, ca=wish.opacity, CA=wish.opacity)
    return document.make_indirect(
        pikepdf.Stream(
            document,
            _drawn(replace(wish, image=b"x" if wish.image else b""), stamp.size, size),
            Type=pikepdf.Name.XObject,
            Subtype=pikepdf.Name.Form,
            BBox=pikepdf.Array([0, 0, *size]),
            Resources=pikepdf.Dictionary(
                ExtGState=pikepdf.Dictionary(Faint=faint), XObject=pikepdf.Dictionary(Stamp=shape)
            ),
        )
    )


@lru_cache(maxsize=32)
def _drawn(wish: Watermark, stamp: tuple[float, float], size: tuple[float, float]) -> bytes:
    lines = ["/Faint gs"]
    for matrix in placements(wish, stamp, size):
        lines.append("q {:.4f} {:.4f} {:.4f} {:.4f} {:.2f} {:.2f} cm /Stamp Do Q".format(*matrix))
    return "\n".join(lines).encode()


def _drawing(document: pikepdf.Pdf, wish: Watermark, frame: PageFrame, name: str, form: pikepdf.Object) -> _Drawing:
    numbers = " ".join(f"{number:.6g}" for number in frame.matrix)
    # An artifact is none of the content: readers that speak pass over it (ISO 32000-2, 14.8.2.2).
    drawn = f"/Artifact <</Type /Pagination /Subtype /Watermark>> BDC\nq {numbers} cm {name} Do Q\nEMC\n"
    # For pages that show nothing else so: one dictionary for all of them.
    alone = document.make_indirect(pikepdf.Dictionary({name: form}))
    if not wish.above:
        return _Drawing(name, form, alone, _stream(document, drawn), None)
    # Whatever the page's own content does to the state of graphics ends with it.
    return _Drawing(name, form, alone, _stream(document, "q\n"), _stream(document, f"\nQ\n{drawn}"))


def _stream(document: pikepdf.Pdf, content: str) -> pikepdf.Object:
    return document.make_indirect(pikepdf.Stream(document, content.encode()))


def _draw(page: pikepdf.Object, drawing: _Drawing) -> None:
    resources = inherited(page, "/Resources")
    if resources is None:
        resources = page.Resources = pikepdf.Dictionary()
    if "/XObject" in resources:
        resources.XObject[drawing.name] = drawing.form
    else:
        resources.XObject = drawing.alone
    own = page.get("/Contents", pikepdf.Array())
    contents = pikepdf.Array([drawing.before])
    contents.extend(own if isinstance(own, pikepdf.Array) else [own])
    if drawing.after is not None:
        contents.append(drawing.after)
    page.Contents = contents
