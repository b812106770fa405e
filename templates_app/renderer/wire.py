"""How specs and documents look inside frames. The parent checks types, lengths and values of all it reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from templates_app.renderer.contracts import (
    SOURCE_FILE,
    Asset,
    Engine,
    ErrorCode,
    Language,
    MergePart,
    MergeSpec,
    PageOptions,
    Partial,
    RenderedDocument,
    RenderError,
    RenderSpec,
    ResourcePolicy,
)
from templates_app.renderer.finish_wire import pack_finish, unpack_finish
from templates_app.renderer.frames import FrameBounds, FrameInvalid

MAX_WARNINGS = 50
MAX_WARNING_CHARS = 500
MAX_LOG_CHARS = 16_000
MAX_MESSAGE_CHARS = 2_000
MAX_TITLE_CHARS = 300
MAX_FILE_CHARS = 200
MAX_FONTS = 100
MAX_FONT_CHARS = 100
# The child trusts its parent; these only stop a broken one.
REQUEST_BOUNDS = FrameBounds(header=16 << 20, blobs=100_000, total=4 << 30)
_REPLY_HEADER_BYTES = 512 << 10
_REPLY_BLOBS = 1
_MAX_NUMBER = 2**53
# NUL cannot be stored in PostgreSQL, lone surrogates cannot be encoded, the other controls rewrite terminals.
_UNFIT_FOR_TEXT = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]")


def reply_bounds(output_mb: int) -> FrameBounds:
    """Return the largest reply a parent accepts when documents may have `output_mb` MiB."""
    return FrameBounds(header=_REPLY_HEADER_BYTES, blobs=_REPLY_BLOBS, total=output_mb << 20)


def clean_text(value: str, limit: int) -> str:
    """Return at most `limit` characters of `value` that any database, log or terminal can take."""
    return _UNFIT_FOR_TEXT.sub("\ufffd", value[:limit])


def pack_request(spec: RenderSpec | MergeSpec) -> tuple[dict[str, Any], list[bytes]]:
    """Return the frame that asks for one document."""
    return _pack_merge(spec) if isinstance(spec, MergeSpec) else pack_spec(spec)


def unpack_request(header: dict[str, Any], blobs: Sequence[bytes]) -> RenderSpec | MergeSpec:
    """Return what `pack_request` packed (child side: its parent is trusted)."""
    return _unpack_merge(header, blobs) if "merge" in header else unpack_spec(header, blobs)


def _pack_merge(spec: MergeSpec) -> tuple[dict[str, Any], list[bytes]]:
    titles = [clean_text(part.title, MAX_TITLE_CHARS) for part in spec.parts]
    header = {"merge": titles, "title": spec.title, "created_at": spec.created_at}
    return header, [part.pdf for part in spec.parts]


def _unpack_merge(header: dict[str, Any], blobs: Sequence[bytes]) -> MergeSpec:
    parts = tuple(MergePart(title, pdf) for title, pdf in zip(header["merge"], blobs, strict=True))
    return MergeSpec(parts, title=header["title"], created_at=header["created_at"])


def pack_spec(spec: RenderSpec) -> tuple[dict[str, Any], list[bytes]]:
    """Return the frame that asks for a document of a template."""
    finish, finish_blobs = pack_finish(spec.finish)
    header = {
        "language": spec.language.value,
        "engine": spec.engine.value,
        "resource_policy": spec.resource_policy.value,
        "title": spec.title,
        "created_at": spec.created_at,
        "page": asdict(spec.page),
        "trusted_fields": list(spec.trusted_fields),
        "locale": spec.locale,
        "timezone": spec.timezone,
        "partials": [partial.name for partial in spec.partials],
        "assets": [[asset.name, asset.content_type] for asset in spec.assets],
        "finish": finish,
    }
    texts = (spec.html_source, spec.css_source, *(partial.source for partial in spec.partials))
    sources = [text.encode("utf-8", "replace") for text in texts]
    return header, [*sources, spec.payload, *(asset.data for asset in spec.assets), *finish_blobs]


def unpack_spec(header: dict[str, Any], blobs: Sequence[bytes]) -> RenderSpec:
    """Return the spec that `pack_spec` packed."""
    html, css, *rest = blobs
    count = len(header["partials"])
    partials, payload, contents = rest[:count], rest[count], rest[count + 1 :]
    asset_count = len(header["assets"])
    assets = zip(header["assets"], contents[:asset_count], strict=True)
    return RenderSpec(
        language=Language(header["language"]),
        engine=Engine(header["engine"]),
        html_source=html.decode(),
        css_source=css.decode(),
        payload=payload,
        assets=tuple(Asset(name, content_type, data) for (name, content_type), data in assets),
        partials=tuple(
            Partial(name, source.decode()) for name, source in zip(header["partials"], partials, strict=True)
        ),
        trusted_fields=tuple(header["trusted_fields"]),
        locale=header["locale"],
        timezone=header["timezone"],
        resource_policy=ResourcePolicy(header["resource_policy"]),
        title=header["title"],
        created_at=header["created_at"],
        page=_unpack_page(header["page"]),
        finish=unpack_finish(header["finish"], contents[asset_count:]),
    )


def _unpack_page(page: dict[str, Any]) -> PageOptions:
    size, margins = page.pop("size_mm"), page.pop("margins")
    return PageOptions(size_mm=size and tuple(size), margins=tuple(map(tuple, margins)), **page)


def unpack_result(header: dict[str, Any], *, peak_memory_kb: int) -> dict[str, Any]:
    """Return what a child sent for a task, unchecked but for its type; raise as `unpack_reply` does."""
    if "error" in header:
        raise _unpack_error(header, peak_memory_kb)
    result = header.get("result")
    if not isinstance(result, dict):
        raise FrameInvalid("the reply holds no result")
    return result


def pack_document(document: RenderedDocument) -> tuple[dict[str, Any], list[bytes]]:
    """Return the frame that carries a finished document."""
    header = {
        "page_count": document.page_count,
        "engine_version": document.engine_version,
        "language_ms": document.language_ms,
        "engine_ms": document.engine_ms,
        "finishing_ms": document.finishing_ms,
        "warnings": [warning[:MAX_WARNING_CHARS] for warning in document.warnings[:MAX_WARNINGS]],
        "log": document.log[:MAX_LOG_CHARS],
        "fonts": [font[:MAX_FONT_CHARS] for font in document.fonts[:MAX_FONTS]],
    }
    return header, [document.pdf]


def pack_error(error: RenderError) -> tuple[dict[str, Any], list[bytes]]:
    """Return the frame that carries a failure."""
    header = {
        "error": error.code.value,
        "message": error.message[:MAX_MESSAGE_CHARS],
        "permanent": error.permanent,
        "line": error.line,
        "column": error.column,
        "path": error.path,
        "file": error.file,
        "log": error.log[:MAX_LOG_CHARS],
    }
    return header, []


def unpack_reply(header: dict[str, Any], blobs: Sequence[bytes], *, peak_memory_kb: int) -> RenderedDocument:
    """Return the document a child sent; raise RenderError if it sent a failure, FrameInvalid if it sent nonsense."""
    if "error" in header:
        raise _unpack_error(header, peak_memory_kb)
    if len(blobs) != 1 or not blobs[0].startswith(b"%PDF-"):
        raise FrameInvalid("the reply holds no PDF")
    return RenderedDocument(
        pdf=blobs[0],
        page_count=_number(header, "page_count"),
        engine_version=_text(header.get("engine_version"), 100),
        language_ms=_number(header, "language_ms"),
        engine_ms=_number(header, "engine_ms"),
        finishing_ms=_number(header, "finishing_ms"),
        peak_memory_kb=peak_memory_kb,
        warnings=_texts(header, "warnings", MAX_WARNINGS, MAX_WARNING_CHARS),
        log=_text(header.get("log"), MAX_LOG_CHARS),
        fonts=_texts(header, "fonts", MAX_FONTS, MAX_FONT_CHARS),
    )


def _unpack_error(header: dict[str, Any], peak_memory_kb: int) -> RenderError:
    try:
        code = ErrorCode(header["error"])
    except ValueError as error:
        raise FrameInvalid("an unknown error code") from error
    path = header.get("path")
    return RenderError(
        code,
        _text(header.get("message"), MAX_MESSAGE_CHARS),
        permanent=header.get("permanent") is True,
        line=_optional_number(header, "line"),
        column=_optional_number(header, "column"),
        path=None if path is None else _text(path, MAX_MESSAGE_CHARS),
        file=_text(header.get("file", SOURCE_FILE), MAX_FILE_CHARS),
        log=_text(header.get("log"), MAX_LOG_CHARS),
        peak_memory_kb=peak_memory_kb,
    )


def _text(value: object, limit: int) -> str:
    if not isinstance(value, str):
        raise FrameInvalid("text expected")
    return clean_text(value, limit)


def _texts(header: dict[str, Any], name: str, count: int, limit: int) -> tuple[str, ...]:
    values = header.get(name)
    if not isinstance(values, list):
        raise FrameInvalid(f"{name} are not a list")
    return tuple(_text(value, limit) for value in values[:count])


def _number(header: dict[str, Any], name: str) -> int:
    value = header.get(name)
    if type(value) is not int or not 0 <= value < _MAX_NUMBER:
        raise FrameInvalid(f"{name} is not a count")
    return value


def _optional_number(header: dict[str, Any], name: str) -> int | None:
    return None if header.get(name) is None else _number(header, name)
