"""From a template version and a payload to a PDF: gathers what the renderer needs and keeps one sandbox a process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache

from django.conf import settings

from pdfservice.lib import storage
from templates_app.models import TemplateVersion
from templates_app.renderer.contracts import (
    Asset,
    Engine,
    Language,
    MergePart,
    MergeSpec,
    RenderedDocument,
    RenderLimits,
    RenderSpec,
    ResourcePolicy,
)
from templates_app.renderer.sandbox import Sandbox

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


def render_version(version: TemplateVersion, payload: str, *, created_at: str) -> RenderedDocument:
    """Render `version` with `payload` (JSON text) and return the PDF.

    `created_at` (RFC 3339) is the date that the document carries. Raises RenderError, RenderInterrupted, and for assets
    ObjectMissing or StorageUnavailable.
    """
    spec = RenderSpec(
        language=Language(version.language),
        engine=Engine(version.engine),
        html_source=version.html_source,
        css_source=version.css_source,
        payload=payload.encode(),
        assets=_assets(version.pk),
        resource_policy=ResourcePolicy(version.resource_policy),
        title=version.title,
        created_at=created_at,
    )
    return sandbox().render(spec, tenant=str(version.template.team_id))


def documents_merge(
    *, team_id: int, documents: Sequence[tuple[str, bytes]], title: str, created_at: str
) -> RenderedDocument:
    """Return one PDF of all `documents` (title, PDF), in their order, with a bookmark for each.

    Raises RenderError (`too_large` above 512 MiB, `render_memory`, `render_timeout`, …) and RenderInterrupted.
    """
    parts = tuple(MergePart(name, pdf) for name, pdf in documents)
    return sandbox().merge(MergeSpec(parts, title=title, created_at=created_at), tenant=str(team_id))


@lru_cache(maxsize=64)
def _assets(version_id: int) -> tuple[Asset, ...]:
    # Jobs name published versions, whose assets never change: what was read once stays true.
    rows = TemplateVersion.objects.get(pk=version_id).assets.all()
    return tuple(Asset(row.name, row.content_type, storage.read(row.storage_key)) for row in rows)
