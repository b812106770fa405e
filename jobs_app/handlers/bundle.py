"""`bundle`: the documents of a batch become one file, a zip or a merged PDF."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from jobs_app.batches.archive import zip_documents
from jobs_app.batches.documents import Document, documents, shown_titles
from jobs_app.batches.refusal import refused
from jobs_app.handlers.product import Product
from jobs_app.models import Batch, Job
from jobs_app.states import OutputMode
from pdfservice.lib import storage
from templates_app import rendering
from templates_app.renderer.contracts import RenderInterrupted

# A zip is written to this machine's disk first; a merged PDF is made in memory (templates_app/rendering.py).
MAX_BYTES = {OutputMode.ZIP: 4 << 30, OutputMode.MERGED: 512 << 20}
_stopped = threading.Event()


def prepare() -> None:
    """Nothing more needs to be warm than for a render."""


def produce(job: Job) -> Product:
    """Make the file; raises WorkRefused when it would be too large or there is nothing to put in."""
    _stopped.clear()
    batch = Batch.objects.select_related("template_version__template").get(bundle=job)
    found = documents(batch)
    chosen = [document for document in found if document.output is not None]
    if not chosen:
        raise refused("no_document", "The documents of this batch have expired before they were put together.")
    size = sum(document.output.size_bytes or 0 for document in chosen if document.output)
    limit = MAX_BYTES[OutputMode(batch.output_mode)]
    if size > limit:
        message = f"The documents have {size} bytes together, more than {limit}; ask for separate ones."
        raise refused("too_large", message)
    name = f"{batch.template_version.template.slug}-{str(batch.external_id)[:8]}"
    if batch.output_mode == OutputMode.ZIP:
        return _zip(batch, found, chosen, name)
    return _merge(job, batch, chosen, name)


def _zip(batch: Batch, found: Sequence[Document], chosen: Sequence[Document], name: str) -> Product:
    started = time.monotonic()
    folder = Path(settings.DATA_DIR) / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    # Without a name: it is gone with this process, however that ends.
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # whoever delivers the product closes it
    try:
        zip_documents(batch, found, file, check=_check)
    except BaseException:
        file.close()
        raise
    return Product(
        data=b"",
        file=file,
        content_type="application/zip",
        filename=f"{name}.zip",
        page_count=_pages(chosen),
        render_ms=round((time.monotonic() - started) * 1000),
    )


def _merge(job: Job, batch: Batch, chosen: list[Document], name: str) -> Product:
    parts = []
    for document, title in zip(chosen, shown_titles(chosen), strict=True):
        _check()
        if document.output is not None:
            parts.append((title, storage.read(document.output.key)))
    merged = rendering.documents_merge(
        team_id=job.team_id,
        documents=parts,
        title=batch.template_version.template.name,
        created_at=batch.queued_at.isoformat(),
    )
    return Product(
        data=merged.pdf,
        content_type="application/pdf",
        filename=f"{name}.pdf",
        page_count=merged.page_count,
        render_ms=merged.finishing_ms,
        warnings=merged.warnings,
        peak_memory_kb=merged.peak_memory_kb,
        log=merged.log,
        began_child=merged.is_childs_first,
    )


def _pages(chosen: Sequence[Document]) -> int:
    return sum(document.item.job.page_count or 0 for document in chosen if document.item.job)


def _check() -> None:
    if _stopped.is_set():
        raise RenderInterrupted


def longest_seconds() -> float:
    """Return how long a `produce` may take: ten thousand documents of a far storage are read one by one."""
    return 900.0


def interrupt() -> None:
    """Stop a `produce` that runs in another thread of this process: it raises RenderInterrupted."""
    _stopped.set()
    rendering.sandbox().interrupt()
