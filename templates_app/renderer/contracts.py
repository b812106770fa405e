"""What crosses the border between the service and the renderer: plain frozen dataclasses, no Django, no engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from templates_app.renderer.finishes import NO_FINISH, Finish

_MERGE_SECONDS_PER_PART = 0.01


class Language(StrEnum):
    """How the payload meets the source."""

    HANDLEBARS = "handlebars"
    JINJA2 = "jinja2"
    MJML = "mjml"
    RAW_HTML = "raw_html"
    MARKDOWN = "markdown"


class Engine(StrEnum):
    """How HTML becomes PDF."""

    WEASYPRINT = "weasyprint"
    PLUTOBOOK = "plutobook"


class ResourcePolicy(StrEnum):
    """What happens when a document asks for something it may not or cannot have."""

    IGNORE = "ignore"
    WARN = "warn"
    FAIL = "fail"


class ErrorCode(StrEnum):
    """Why a document could not be made; the values are part of the public API."""

    TEMPLATE_ERROR = "template_error"
    PAYLOAD_ERROR = "payload_error"
    ASSET_MISSING = "asset_missing"
    RENDER_TIMEOUT = "render_timeout"
    RENDER_MEMORY = "render_memory"
    RENDER_CRASH = "render_crash"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file a template may name as `asset:NAME`; `data` is its whole content."""

    name: str
    content_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Partial:
    """A named piece of source that a template includes."""

    name: str
    source: str


# Width and height of the names that CSS knows (css-page-3) and of A6, upright.
PAGE_SIZES_MM: Mapping[str, tuple[float, float]] = {
    "a3": (297, 420),
    "a4": (210, 297),
    "a5": (148, 210),
    "a6": (105, 148),
    "b4": (250, 353),
    "b5": (176, 250),
    "jis-b4": (257, 364),
    "jis-b5": (182, 257),
    "letter": (215.9, 279.4),
    "legal": (215.9, 355.6),
    "ledger": (279.4, 431.8),
}


@dataclass(frozen=True, slots=True)
class PageOptions:
    """What a caller wants of every page instead of what the template says; what is empty stays the template's.

    `size_mm` is width and height; with `size_is_custom` they were given as such, else they stand for a named size.
    `margins` are pairs of side and CSS length.
    """

    size_mm: tuple[float, float] | None = None
    size_is_custom: bool = False
    orientation: Literal["", "portrait", "landscape"] = ""
    margins: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RenderSpec:
    """One document to make.

    `payload` is the JSON text as it was stored, in UTF-8 and unparsed; `css_source` is applied as an author style sheet
    after those in the document's head. `title` is used where the document names none. The document's dates come from
    `created_at`, an RFC 3339 time; without one it has none.

    `trusted_fields` are dotted paths of the payload, `*` for each entry of a list (`body`, `items.*.html`), whose HTML
    is printed as it is where the template asks for that. `locale` (such as `de-CH`) and `timezone` (IANA) are what the
    helpers assume where the template names no others. `finish` is what happens to the PDF after the engine.
    """

    language: Language
    engine: Engine
    html_source: str
    css_source: str = ""
    payload: bytes = b"{}"
    assets: tuple[Asset, ...] = ()
    partials: tuple[Partial, ...] = ()
    trusted_fields: tuple[str, ...] = ()
    locale: str = "en"
    timezone: str = "UTC"
    resource_policy: ResourcePolicy = ResourcePolicy.WARN
    title: str = ""
    created_at: str = ""
    page: PageOptions = PageOptions()
    finish: Finish = NO_FINISH


def is_field_path(path: str) -> bool:
    """Say whether `path` could be one of `RenderSpec.trusted_fields`: names and `*` with a dot between any two."""
    return bool(path) and all(name and name == name.strip() for name in path.split("."))


@dataclass(frozen=True, slots=True)
class MergePart:
    """A finished PDF and what its bookmark is called."""

    title: str
    pdf: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MergeSpec:
    """PDFs to put one behind the other. `title` and `created_at` as in RenderSpec."""

    parts: tuple[MergePart, ...]
    title: str = ""
    created_at: str = ""


@dataclass(frozen=True, slots=True)
class RenderLimits:
    """What one document may use. Times in seconds, sizes in MiB.

    A child serves `child_max_documents`, fewer if it has grown by more than `child_max_growth_mb` since it was forked.
    """

    timeout_s: float = 30.0
    memory_mb: int = 1024
    output_mb: int = 64
    child_max_documents: int = 200
    child_max_growth_mb: int = 128
    max_children: int = 4
    merge_memory_mb: int = 3072
    merge_output_mb: int = 512

    def for_merging(self, parts: int) -> RenderLimits:
        """Return what the merging of so many PDFs may use.

        Ten thousand one-page invoices took 25 s, 1.3 GiB and 229 MB; a busy machine may need four times as long.
        """
        seconds = self.timeout_s + parts * _MERGE_SECONDS_PER_PART
        return replace(self, timeout_s=seconds, memory_mb=self.merge_memory_mb, output_mb=self.merge_output_mb)


@dataclass(frozen=True, slots=True)
class RenderedDocument:
    """A finished PDF and what is worth knowing about how it was made. Times in milliseconds, memory in KiB.

    `fonts` are the names of the fonts that it uses, without their subset tags. `is_childs_first` says that a new
    renderer process was begun for it.
    """

    pdf: bytes = field(repr=False)
    page_count: int
    engine_version: str
    language_ms: int
    engine_ms: int
    finishing_ms: int
    peak_memory_kb: int
    warnings: tuple[str, ...] = ()
    log: str = ""
    fonts: tuple[str, ...] = ()
    is_childs_first: bool = False


SOURCE_FILE = "html_source"


class RenderError(Exception):
    """A document that could not be made.

    `permanent` says that the same spec will fail the same way, so nobody should try again. `line` and `column` count
    from 1 and point into `file`: the template's source, or a partial (`partials/NAME`). `path` is a JSON pointer into
    the payload; `log` is what the renderer wrote meanwhile. `used_up_limit` is the parent's finding that the document
    itself used the time or the memory that it may have, and did not merely wait for a busy machine. `max_attempts` is
    how often it is worth trying what is not permanent, None for as often as anything.
    """

    used_up_limit = False
    max_attempts: int | None = None

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        permanent: bool,
        line: int | None = None,
        column: int | None = None,
        path: str | None = None,
        file: str = SOURCE_FILE,
        log: str = "",
        peak_memory_kb: int = 0,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.permanent = permanent
        self.line = line
        self.column = column
        self.path = path
        self.file = file
        self.log = log
        self.peak_memory_kb = peak_memory_kb

    @property
    def place(self) -> dict[str, str | int]:
        """What is known of the place at fault; the source itself is named only together with a line."""
        known_file = self.file if self.line is not None or self.file != SOURCE_FILE else None
        places = {"file": known_file, "line": self.line, "column": self.column, "path": self.path}
        return {name: value for name, value in places.items() if value is not None}


class RenderInterrupted(Exception):
    """Somebody called `Sandbox.interrupt` while the document was being made; nothing came of it."""


class RendererUnavailable(RuntimeError):
    """The renderer's own processes did not start or stopped answering; says why. No document is to blame."""


class ConfinementUnavailable(RendererUnavailable):
    """This kernel cannot confine the renderer, and no setting allowed to run it unconfined. Says what is missing."""
