"""Draw the first page of a finished PDF, the one blob, small enough to recognise it by and not to read it."""

from __future__ import annotations

import io
from typing import Any

import pypdfium2

LONGEST_SIDE = 800


def perform(arguments: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """Return a PNG of at most 800 pixels a side, or `refused` with the reason."""
    (pdf,) = blobs
    try:
        with pypdfium2.PdfDocument(pdf) as document:
            page = document[0]
            picture = page.render(scale=LONGEST_SIDE / max(page.get_size())).to_pil()
    except pypdfium2.PdfiumError as error:
        return {"refused": str(error)}, []
    stream = io.BytesIO()
    picture.convert("RGB").save(stream, "PNG", optimize=True)
    return {}, [stream.getvalue()]
