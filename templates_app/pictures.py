"""Pictures that people outside see: drawn and examined by confined processes, never here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pdfservice.lib.errors import Fault, ServiceError
from templates_app.renderer.contracts import RenderError
from templates_app.renderer.frames import FrameInvalid
from templates_app.renderer.sandbox import Task
from templates_app.renderer.wire import clean_text
from templates_app.renderer_pools import authoring_pool

MAX_LOGO_BYTES = 256 << 10
# What a child answers with is held by the parent, twice.
MAX_PDF_BYTES = 64 << 20
_MAX_PNG_BYTES = 4 << 20
_PNG = b"\x89PNG\r\n\x1a\n"
_LOGO_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/svg+xml"})


def first_page(pdf: bytes, *, tenant: str) -> bytes:
    """Return a small picture (PNG) of the first page of `pdf`.

    Raises ServiceError: 422 when it cannot be drawn, 429 when too many others are being drawn.
    """
    try:
        png, reason = authoring_pool.perform(Task("first_page", {}, [pdf], _read_png), tenant=tenant)
    except RenderError as error:
        raise _no_picture("It takes too much time or memory.") from error
    if reason:
        raise _no_picture(f"The document cannot be opened: {reason}")
    return png


def logo_content_type(data: bytes, *, tenant: str) -> str:
    """Return what a logo is by its bytes; raise ServiceError: 413, 422 for what is not to be shown, 429."""
    if len(data) > MAX_LOGO_BYTES:
        raise ServiceError(413, "too_large", f"A logo has up to {MAX_LOGO_BYTES >> 10} KiB.")
    try:
        content_type, reason = authoring_pool.perform(Task("inspect_logo", {}, [data], _read_facts), tenant=tenant)
    except RenderError as error:
        raise _refused("The file could not be examined: it takes too much time or memory.") from error
    if reason:
        raise _refused(reason)
    if content_type not in _LOGO_TYPES:
        raise _refused(f"The file is {content_type}, which is no picture.")
    return content_type


def _refused(message: str) -> ServiceError:
    return ServiceError(422, "asset_refused", message, [Fault("/file", message)])


def _no_picture(reason: str) -> ServiceError:
    message = f"There can be no picture of the first page. {reason}"
    return ServiceError(422, "preview_impossible", message, [Fault("/preview", message)])


def _read_png(result: dict[str, Any], blobs: Sequence[bytes]) -> tuple[bytes, str]:
    match result, list(blobs):
        case {"refused": str(reason)}, []:
            return b"", clean_text(reason, 200)
        case _, [png] if png.startswith(_PNG) and len(png) <= _MAX_PNG_BYTES:
            return png, ""
    raise FrameInvalid("a picture expected")


def _read_facts(result: dict[str, Any], blobs: Sequence[bytes]) -> tuple[str, str]:
    match result:
        case {"refused": str(reason)}:
            return "", clean_text(reason, 300)
        case {"content_type": str(content_type)}:
            return clean_text(content_type, 40), ""
    raise FrameInvalid("facts about a logo expected")
