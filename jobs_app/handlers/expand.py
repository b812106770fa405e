"""`expand`: the items of a batch become jobs."""

from __future__ import annotations

import threading
from itertools import islice

from jobs_app import transitions
from jobs_app.batches.items import insert_items
from jobs_app.batches.sources import count_items, read_items, unseal_source
from jobs_app.models import Batch, Job
from pdfservice.lib import storage
from templates_app.renderer.contracts import RenderInterrupted

# So many at once: a chunk is one transaction, and what a killed worker left behind is whole chunks.
CHUNK = 500
_stopped = threading.Event()


def prepare() -> None:
    """Nothing needs to be warm."""


def produce(job: Job) -> None:
    """Insert what is missing of the batch's items; raises WorkRefused for a source that cannot be used as a whole.

    Ends early when the claim is lost or the batch was cancelled. No document comes of it.
    """
    batch = Batch.objects.select_related("template_version__template", "team", "source").get(expansion=job)
    if batch.source is None or batch.expanded_at is not None:
        return
    data = unseal_source(batch, storage.read(batch.source.key))
    total = count_items(data, batch.source_format, batch.delimiter)
    if not transitions.batch_start(batch, total=total):
        return
    # Chunks are inserted in order and whole, so what is there is a beginning.
    done = batch.items.count()
    items = islice(read_items(data, batch.source_format, batch.delimiter), done, None)
    _stopped.clear()
    while chunk := list(islice(items, CHUNK)):
        if _stopped.is_set():
            raise RenderInterrupted
        if not insert_items(batch, job, chunk):
            return
    transitions.batch_expanded(batch, job)


def longest_seconds() -> float:
    """Return how long a `produce` may take."""
    return 300.0


def interrupt() -> None:
    """Stop a `produce` that runs in another thread before its next chunk: it raises RenderInterrupted."""
    _stopped.set()
