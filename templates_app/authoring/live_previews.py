"""Pages of a draft as it is being typed: made in the confined renderer, kept nowhere, ended when newer text comes."""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pdfservice.lib.errors import ServiceError, conflict, unavailable
from templates_app.authoring.drafts import DraftFields
from templates_app.models import TemplateVersion
from templates_app.payloads import payload_faults
from templates_app.renderer.contracts import (
    Engine,
    Partial,
    RenderError,
    RendererUnavailable,
    RenderInterrupted,
    RenderSpec,
)
from templates_app.renderer.findings import Finding, error, warning
from templates_app.renderer.frames import FrameInvalid
from templates_app.renderer.sandbox import Sandbox, Task
from templates_app.renderer.wire import clean_text, pack_spec
from templates_app.renderer_pools import authoring_pool
from templates_app.rendering import version_spec

MOST_PAGES = 4
_MOST_SMALL = 60
_MAX_COUNT = 1_000_000
_PNG = b"\x89PNG\r\n\x1a\n"
_LINE = re.compile(r"\(line (\d{1,7})\)")


@dataclass(frozen=True, slots=True)
class PagePictures:
    """What a document looks like. `large` are the pages from `first` on, `small` those of all pages, up to sixty."""

    page_count: int
    first: int
    large: Sequence[bytes]
    small: Sequence[bytes]
    sizes: Sequence[tuple[int, int]]
    engine_version: str
    language_ms: int
    engine_ms: int
    pictures_ms: int
    warnings: Sequence[str]


@dataclass(frozen=True, slots=True)
class LivePreview:
    """Pages, none where the document cannot be made, and what there is to say about it.

    A finding's place in the sample payload is a JSON pointer, by the index of the finding in `pointers`.
    """

    pages: PagePictures | None
    findings: Sequence[Finding]
    pointers: Mapping[int, str] = field(default_factory=dict)


def live_preview(
    *,
    version: TemplateVersion,
    fields: DraftFields,
    engine: Engine | None,
    first: int,
    count: int,
    dpi: int,
    small: bool,
    sitting: str,
) -> LivePreview:
    """Return pages of `version` with what is typed in place of what is stored.

    A later call of the same `sitting` (an editor that is open) ends this one: 409 `stale`. Other refusals: 429 while
    too many previews are under way, 503 where no renderer starts.
    """
    typed = _typed(version, fields)
    sample = typed.sample_payload or {}
    found = [
        (error("payload_invalid", fault.message, "sample_payload"), fault.pointer.removeprefix("/payload"))
        for fault in payload_faults(typed, sample)
    ]
    text = json.dumps(sample, ensure_ascii=False, separators=(",", ":"))
    spec = version_spec(typed, text, created_at="", engine=engine)
    if "partials" in fields:
        spec = replace(spec, partials=tuple(Partial(name, source) for name, source in fields["partials"].items()))
    tenant = str(version.template.team_id)
    try:
        pages = page_pictures(spec, first=first, count=count, dpi=dpi, small=small, tenant=tenant, sitting=sitting)
    except RenderError as refusal:
        found.append(_of_refusal(refusal))
        return _told(None, found)
    found += [(_of_warning(text), "") for text in pages.warnings]
    return _told(pages, found)


def page_pictures(
    spec: RenderSpec, *, first: int, count: int, dpi: int, small: bool, tenant: str, sitting: str
) -> PagePictures:
    """Return pictures of a document; raise RenderError where it cannot be made, and ServiceError as `live_preview`."""
    header, blobs = pack_spec(spec)
    arguments = {"spec": header, "first": first, "count": min(count, MOST_PAGES), "dpi": dpi, "small": small}
    task = Task("page_pictures", arguments, blobs, _read_pages)
    return _sittings.perform(task, tenant=tenant, sitting=sitting)


def _typed(version: TemplateVersion, fields: DraftFields) -> TemplateVersion:
    """Return a version that is stored nowhere."""
    typed = copy.copy(version)
    for name, value in fields.items():
        if name != "partials":
            setattr(typed, name, value)
        if name in ("html_source", "css_source"):
            setattr(typed, f"{name}_key", "")
    return typed


def _told(pages: PagePictures | None, found: Sequence[tuple[Finding, str]]) -> LivePreview:
    pointers = {index: pointer for index, (_, pointer) in enumerate(found) if pointer}
    return LivePreview(pages, [finding for finding, _ in found], pointers)


def _of_refusal(refusal: RenderError) -> tuple[Finding, str]:
    if refusal.path:
        return error(refusal.code.value, refusal.message, "sample_payload"), refusal.path
    return error(refusal.code.value, refusal.message, refusal.file, refusal.line, refusal.column), ""


def _of_warning(text: str) -> Finding:
    line = _LINE.search(text)
    return warning("rendering", text, line=int(line[1]) if line else None)


class _Sittings:
    """One preview at a time for each open editor: a newer one interrupts the older, whose author has typed on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: dict[str, _Turn] = {}

    def perform(self, task: Task[PagePictures], *, tenant: str, sitting: str) -> PagePictures:
        key, turn = f"{tenant}:{sitting}", _Turn()
        with self._lock:
            older = self._latest.get(key)
            self._latest[key] = turn
            if older is not None and older.sandbox is not None:
                older.sandbox.interrupt()
        try:
            with authoring_pool.lease(tenant) as sandbox:
                self._begin(key, turn, sandbox)
                try:
                    return sandbox.perform(task, tenant=tenant)
                finally:
                    self._end(turn)
        except RenderInterrupted as interruption:
            raise _stale() from interruption
        except ServiceError as refusal:  # busy: with the newer text, it may be
            raise (_stale() if self._is_outdated(key, turn) else refusal) from refusal
        except RendererUnavailable as problem:
            raise unavailable("The renderer of this host does not start.") from problem
        finally:
            with self._lock:
                if self._latest.get(key) is turn:
                    del self._latest[key]

    def _is_outdated(self, key: str, turn: _Turn) -> bool:
        with self._lock:
            return self._latest.get(key) is not turn

    def _begin(self, key: str, turn: _Turn, sandbox: Sandbox) -> None:
        with self._lock:
            if self._latest.get(key) is not turn:
                raise _stale()
            turn.sandbox = sandbox

    def _end(self, turn: _Turn) -> None:
        """From now on the sandbox is somebody else's to interrupt."""
        with self._lock:
            turn.sandbox = None


@dataclass(slots=True)
class _Turn:
    sandbox: Sandbox | None = None


def _stale() -> ServiceError:
    return conflict("Newer text is being shown instead.", "stale")


_sittings = _Sittings()


def _read_pages(result: dict[str, Any], blobs: Sequence[bytes]) -> PagePictures:
    match result, blobs:
        case {
            "page_count": int(pages),
            "first": int(first),
            "large": int(large),
            "lengths": list(lengths),
            "sizes": list(sizes),
            "engine_version": str(engine),
            "language_ms": int(language_ms),
            "engine_ms": int(engine_ms),
            "pictures_ms": int(pictures_ms),
            "warnings": list(warnings),
        }, [bytes(data)] if 0 < pages < _MAX_COUNT and 0 <= large <= MOST_PAGES and len(sizes) <= _MOST_SMALL:
            pictures = list(_cut(data, lengths))
            return PagePictures(
                page_count=pages,
                first=first,
                large=pictures[:large],
                small=pictures[large:],
                sizes=[_size(size) for size in sizes],
                engine_version=clean_text(engine, 80),
                language_ms=language_ms,
                engine_ms=engine_ms,
                pictures_ms=pictures_ms,
                warnings=[clean_text(str(text), 500) for text in warnings[:50]],
            )
    raise FrameInvalid("pictures of pages expected")


def _cut(data: bytes, lengths: list[Any]) -> list[bytes]:
    if len(lengths) > MOST_PAGES + _MOST_SMALL or not all(type(length) is int and length >= 0 for length in lengths):
        raise FrameInvalid("lengths of pictures expected")
    pictures, begin = [], 0
    for length in lengths:
        pictures.append(data[begin : begin + length])
        begin += length
    if begin != len(data) or not all(picture.startswith(_PNG) for picture in pictures):
        raise FrameInvalid("PNGs of these lengths expected")
    return pictures


def _size(size: Any) -> tuple[int, int]:
    match size:
        case [int(width), int(height)] if 0 <= width < _MAX_COUNT and 0 <= height < _MAX_COUNT:
            return width, height
    raise FrameInvalid("a width and a height expected")
