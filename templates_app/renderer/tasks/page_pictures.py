"""Make a document and pictures of its pages: a few as large as asked for, the first sixty small. Blobs: a spec's.

The answer is one blob with all PNGs one behind the other; `lengths` tells them apart, first the large, then the small.
"""

from __future__ import annotations

import io
import time
from typing import Any

import pypdfium2

from templates_app.renderer.pipeline import answer
from templates_app.renderer.wire import clean_text, unpack_spec

MOST_PAGES, MOST_SMALL = 4, 60
_SMALL_WIDTH = 110
_LARGEST_SIDE = 3_200
_WARNINGS, _WARNING_CHARS = 50, 500


def perform(arguments: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """Return page count, times, warnings and pictures. Arguments: `spec`, `first` (from 1), `count`, `dpi`, `small`."""
    document = answer(unpack_spec(arguments["spec"], blobs))
    begun = time.perf_counter()
    first = min(arguments["first"], document.page_count)
    with pypdfium2.PdfDocument(document.pdf) as pdf:
        sizes = [pdf[index].get_size() for index in range(min(len(pdf), MOST_SMALL))]
        last = min(first - 1 + arguments["count"], len(pdf))
        large = [_picture(pdf[index], arguments["dpi"] / 72) for index in range(first - 1, last)]
        shrunk = enumerate(sizes if arguments["small"] else [])
        small = [_picture(pdf[index], _SMALL_WIDTH / width) for index, (width, _) in shrunk]
    pictures = [*large, *small]
    return {
        "page_count": document.page_count,
        "engine_version": document.engine_version,
        "first": first,
        "large": len(large),
        "lengths": [len(picture) for picture in pictures],
        "sizes": [[round(width), round(height)] for width, height in sizes],
        "language_ms": document.language_ms,
        "engine_ms": document.engine_ms,
        "pictures_ms": round((time.perf_counter() - begun) * 1000),
        "warnings": [clean_text(text, _WARNING_CHARS) for text in document.warnings[:_WARNINGS]],
    }, [b"".join(pictures)]


def _picture(page: pypdfium2.PdfPage, scale: float) -> bytes:
    """Return a page as a PNG, smaller than asked for where it would be a poster."""
    picture = page.render(scale=min(scale, _LARGEST_SIDE / max(page.get_size()))).to_pil()
    stream = io.BytesIO()
    # Its author waits: the quick compression makes a file a fifth larger in a third of the time.
    picture.save(stream, "PNG", compress_level=1)
    return stream.getvalue()
