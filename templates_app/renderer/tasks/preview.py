"""Make a document to look at: the PDF, or a picture of one page. Blobs: a spec's."""

from __future__ import annotations

import io
from typing import Any

import pypdfium2

from templates_app.renderer.pipeline import answer
from templates_app.renderer.wire import unpack_spec

_DOTS_PER_POINT = 110 / 72
# A page may be a poster: it is shown smaller then.
_LARGEST_SIDE = 2_400


def perform(arguments: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """Return `page_count`, with the PDF or, for argument `page`, a PNG; `missing_page` where there is no such page."""
    document = answer(unpack_spec(arguments["spec"], blobs))
    page: int | None = arguments["page"]
    if page is None:
        return {"page_count": document.page_count}, [document.pdf]
    if page > document.page_count:
        return {"page_count": document.page_count, "missing_page": True}, []
    return {"page_count": document.page_count}, [page_png(document.pdf, page - 1)]


def page_png(pdf: bytes, index: int) -> bytes:
    """Return a page (from 0) as a PNG at 110 dots an inch, or as many as keep it within 2,400 pixels."""
    with pypdfium2.PdfDocument(pdf) as document:
        page = document[index]
        scale = min(_DOTS_PER_POINT, _LARGEST_SIDE / max(page.get_size()))
        picture = page.render(scale=scale).to_pil()
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()
