"""From a template version and a payload to a PDF: gathers what the renderer needs and keeps one sandbox a process."""

from __future__ import annotations

import os
from collections.abc import Sequence

from django.conf import settings

from templates_app import sources
from templates_app.models import TemplateVersion
from templates_app.renderer.contracts import (
    Engine,
    ErrorCode,
    Language,
    MergePart,
    MergeSpec,
    PageOptions,
    RenderedDocument,
    RenderError,
    RenderLimits,
    RenderSpec,
    ResourcePolicy,
)
from templates_app.renderer.finishes import NO_FINISH, Finish
from templates_app.renderer.sandbox import Sandbox

_LIMITS = frozenset({ErrorCode.RENDER_TIMEOUT, ErrorCode.RENDER_MEMORY})
# Where a document that reached a limit is more likely long than broken: some 500 rows.
_LONG_PAYLOAD_BYTES = 100_000
_LONG_PAYLOAD_ADVICE = (
    "WeasyPrint takes 6 to 30 ms for each row of a long table: print it with the engine plutobook, "
    "or send it in parts of up to 500 rows as a batch with output merged, or have RENDER_TIMEOUT raised."
)

_sandbox: Sandbox | None = None
_sandbox_pid = 0


def sandbox() -> Sandbox:
    """Return this process's sandbox; a forked process gets one of its own. Starting it is the first render's work."""
    global _sandbox, _sandbox_pid  # noqa: PLW0603  # one renderer a process is the point
    if _sandbox is None or _sandbox_pid != os.getpid():
        _sandbox = Sandbox(
            scratch_root=settings.DATA_DIR / "scratch",
            limits=RenderLimits(
                timeout_s=settings.RENDER_TIMEOUT,
                memory_mb=settings.RENDER_MEMORY_MB,
                child_max_documents=settings.RENDER_CHILD_MAX_DOCUMENTS,
                merge_memory_mb=settings.MERGE_MEMORY_MB,
                child_max_growth_mb=settings.RENDER_CHILD_MAX_GROWTH_MB,
            ),
            allow_unconfined=settings.RENDER_ALLOW_UNCONFINED,
        )
        _sandbox_pid = os.getpid()
    return _sandbox


def render_version(
    version: TemplateVersion,
    payload: str,
    *,
    created_at: str,
    page: PageOptions | None = None,
    finish: Finish | None = None,
) -> RenderedDocument:
    """Render `version` with `payload` (JSON text) and return the PDF.

    `created_at` (RFC 3339) is the date that the document carries, `page` what its pages are like in place of what the
    template says, `finish` what happens to the PDF afterwards. Raises RenderError, RenderInterrupted, and for what lies
    in storage ObjectMissing or StorageUnavailable.
    """
    spec = version_spec(version, payload, created_at=created_at, page=page, finish=finish)
    try:
        return sandbox().render(spec, tenant=str(version.template.team_id))
    except RenderError as error:
        if error.code in _LIMITS and spec.engine is Engine.WEASYPRINT and len(spec.payload) >= _LONG_PAYLOAD_BYTES:
            error.message = f"{error.message}. {_LONG_PAYLOAD_ADVICE}"
            # It lays out the same rows again in the same time: two more attempts would keep a worker for another minute
            # from what others wait for, to no end. One that waited for a processor meanwhile may pass the next time;
            # where it did so twice the machine is always busy: 5,000 rows took three times 30 s there.
            error.permanent, error.max_attempts = error.used_up_limit, 2
        raise


def version_spec(
    version: TemplateVersion,
    payload: str,
    *,
    created_at: str,
    page: PageOptions | None = None,
    finish: Finish | None = None,
    engine: Engine | None = None,
) -> RenderSpec:
    """Return all that the renderer needs; `engine` takes the place of the version's own. Raises as `sources` does."""
    return RenderSpec(
        language=Language(version.language),
        engine=engine or Engine(version.engine),
        html_source=sources.html_of(version),
        css_source=sources.css_of(version),
        payload=payload.encode(),
        assets=sources.assets_of(version),
        partials=sources.partials_of(version),
        trusted_fields=tuple(version.trusted_fields),
        locale=version.locale,
        timezone=version.timezone,
        resource_policy=ResourcePolicy(version.resource_policy),
        title=version.title,
        created_at=created_at,
        page=page or PageOptions(),
        finish=finish or NO_FINISH,
    )


def documents_merge(
    *, team_id: int, documents: Sequence[tuple[str, bytes]], title: str, created_at: str
) -> RenderedDocument:
    """Return one PDF of all `documents` (title, PDF), in their order, with a bookmark for each.

    Raises RenderError (`too_large` above 512 MiB, `render_memory`, `render_timeout`, …) and RenderInterrupted.
    """
    parts = tuple(MergePart(name, pdf) for name, pdf in documents)
    return sandbox().merge(MergeSpec(parts, title=title, created_at=created_at), tenant=str(team_id))
