"""PlutoBook (by PlutoPrint): modern CSS layout, 30 times faster than WeasyPrint; plain PDF only."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

import plutoprint
from PIL import Image

from templates_app.renderer.contracts import ErrorCode, RenderError
from templates_app.renderer.resources import BASE_URL, Resource, ResourceRefused, Resources

# PlutoBook writes no text for a ligature: "office" could neither be found nor copied. Inherited from the root, so that
# an author who wants ligatures all the same says so for the body.
_SEARCHABLE = "html { font-variant-ligatures: no-common-ligatures }"

VERSION = f"PlutoBook {plutoprint.plutobook_version_string()}"


class _Fetcher(plutoprint.ResourceFetcher):
    """Gives resources and nothing else. (PlutoBook decodes `data:` URLs itself.)"""

    def __init__(self, resources: Resources) -> None:
        super().__init__()
        self._resources = resources

    def fetch_url(self, url: str) -> plutoprint.ResourceData:
        resource = self._resources.fetch(url)
        if _is_animated_webp(resource.data):
            return _first_frame(resource)
        return plutoprint.ResourceData(resource.data, resource.content_type, resource.charset)


def _is_animated_webp(data: bytes) -> bool:
    """Say so by the header (RFC 9649, 2.7)."""
    return data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8X" and bool(data[20:21] and data[20] & 0x02)


def _first_frame(resource: Resource) -> plutoprint.ResourceData:
    """Return what paper shows of an animated WebP, which is all that PlutoBook does not draw."""
    stream = io.BytesIO()
    # Where it cannot be had PlutoBook says why, and the author is told.
    with suppress(OSError, ValueError, MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        Image.open(io.BytesIO(resource.data), formats=["WEBP"]).save(stream, "PNG", compress_level=1)
        return plutoprint.ResourceData(stream.getvalue(), "image/png", "")
    return plutoprint.ResourceData(resource.data, resource.content_type, resource.charset)


def render(html: str, resources: Resources) -> bytes:
    """Return the PDF; raise RenderError when PlutoBook cannot lay the document out."""
    book = plutoprint.Book(size=plutoprint.PAGE_SIZE_A4, media=plutoprint.MEDIA_TYPE_PRINT)
    book.custom_resource_fetcher = _Fetcher(resources)
    stream = io.BytesIO()
    with _quiet_refusals():
        try:
            book.load_html(html, user_style=_SEARCHABLE, base_url=BASE_URL)
            book.write_to_pdf_stream(stream)
        except plutoprint.Error as error:
            message = f"PlutoBook cannot lay this document out: {error}"
            raise RenderError(ErrorCode.TEMPLATE_ERROR, message, permanent=True) from error
    return stream.getvalue()


@contextmanager
def _quiet_refusals() -> Iterator[None]:
    """Keep the traceback of every refused URL, which PlutoPrint prints, off standard error and out of memory."""
    sys.excepthook = _print_unless_refusal
    try:
        yield
    finally:
        sys.excepthook = sys.__excepthook__
        for name in ("last_exc", "last_type", "last_value", "last_traceback"):
            vars(sys).pop(name, None)


def _print_unless_refusal(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not isinstance(error, ResourceRefused):
        sys.__excepthook__(kind, error, trace)
