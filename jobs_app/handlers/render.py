"""`render`: a template version and a payload become a PDF."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings

from jobs_app.handlers.product import Product
from jobs_app.models import Job
from jobs_app.passwords import encryption_of
from jobs_app.provenance import Provenance
from templates_app import rendering
from templates_app.finishing_options import finish_of
from templates_app.inference import version_offer_schema
from templates_app.page_options import page_options


def prepare() -> None:
    """Start the renderer if it does not run, as jobs would else wait for it; raises RendererUnavailable."""
    rendering.sandbox().start()


def produce(job: Job) -> Product:
    """Render the job's version with its payload; raises what `rendering.render_version` raises."""
    version = job.template_version
    if version is None or job.payload is None:
        raise ValueError(f"Job {job.external_id} has no version or no payload.")
    document = rendering.render_version(
        version,
        job.payload,
        created_at=job.queued_at.isoformat(),
        page=page_options(job.options),
        finish=replace(finish_of(job.options), encryption=encryption_of(job)),
    )
    version_offer_schema(version=version, payload=job.payload)
    return Product(
        data=document.pdf,
        content_type="application/pdf",
        filename=job.options.get("filename") or f"{version.template.slug}.pdf",
        page_count=document.page_count,
        render_ms=document.language_ms + document.engine_ms + document.finishing_ms,
        warnings=document.warnings,
        peak_memory_kb=document.peak_memory_kb,
        log=document.log,
        began_child=document.is_childs_first,
        provenance=Provenance(
            template_hash=version.content_hash,
            payload_hash=job.payload_hash,
            engine=version.engine,
            engine_version=document.engine_version,
            fonts=document.fonts,
        ),
    )


def longest_seconds() -> float:
    """Return how long a `produce` may take."""
    return float(settings.RENDER_TIMEOUT)


def interrupt() -> None:
    """Stop a `produce` that runs in another thread of this process: it raises RenderInterrupted."""
    rendering.sandbox().interrupt()
