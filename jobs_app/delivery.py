"""From a product in memory to an output in storage and a job that is done."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError
from django.utils import timezone

from downloads_app import services as files
from jobs_app import spool, transitions
from jobs_app.handlers.product import Product
from jobs_app.models import Job
from jobs_app.outcomes import Result
from pdfservice.lib import storage

logger = logging.getLogger(__name__)

# How long a worker stands before a storage that refuses; after that the job waits in the queue and the worker goes on.
PATIENCE_SECONDS = 60.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 8.0
_LOOK_EVERY_SECONDS = 0.1


def deliver(job: Job, product: Product, *, is_in_vain: Callable[[], bool]) -> None:
    """Store the product and finish the job: done only after storage has acknowledged.

    `is_in_vain` is asked while storage refuses. Raises StorageUnavailable when it did so to the end; the product is
    then in this host's spool.
    """
    key = storage.output_key(job.queued_at, job.external_id, job.claim_number, extension=product.extension)
    file = files.file_reserve(team=job.team, key=key, filename=product.filename, content_type=product.content_type)
    is_wanted = False
    try:
        stored = _put_patiently(job, product, key, is_in_vain)
        result = Result(
            file_id=file.pk,
            stored=stored,
            page_count=product.page_count,
            warnings=product.warnings,
            timings=_timings(job, product.render_ms, timezone.now()),
            peak_memory_kb=product.peak_memory_kb,
            log=product.log,
            provenance=product.provenance,
            began_child=product.began_child,
        )
        is_wanted = transitions.complete(job, result)
    except DatabaseError:
        # The connection may have broken after the commit: then the job is done and the file is its output. If it is
        # not, the file is still pending and the sweep takes it.
        is_wanted = True
        raise
    finally:
        if product.file is not None:
            product.file.close()
        if not is_wanted:
            files.file_discard(file_id=file.pk)
    spool.forget(job)


def _put_patiently(job: Job, product: Product, key: str, is_in_vain: Callable[[], bool]) -> storage.StoredObject:
    deadline, pause = time.monotonic() + PATIENCE_SECONDS, _FIRST_PAUSE_SECONDS
    is_spooled = False
    while True:
        try:
            if product.file is not None:
                return storage.put_file(key, product.file, content_type=product.content_type)
            return storage.put(key, product.data, content_type=product.content_type)
        except storage.StorageUnavailable as error:
            logger.warning("Storage refused job %s: %s", job, error)
            if not is_spooled and (is_spooled := spool.keep(job, product)):
                transitions.mark_spooled(job)
            if not _wait(min(pause, deadline - time.monotonic()), is_in_vain):
                raise
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _wait(seconds: float, is_in_vain: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if is_in_vain():
            return False
        time.sleep(min(left, _LOOK_EVERY_SECONDS))
    return seconds > 0


def _timings(job: Job, render_ms: int, now: datetime) -> dict[str, int]:
    started_at = job.started_at or now
    return {
        "queue_ms": _milliseconds(job.queued_at, started_at),
        "render_ms": render_ms,
        "total_ms": _milliseconds(job.queued_at, now),
    }


def _milliseconds(start: datetime, end: datetime) -> int:
    # Two clocks may be involved, the caller's host and the database's: a wait is never less than nothing.
    return max(0, round((end - start).total_seconds() * 1000))
