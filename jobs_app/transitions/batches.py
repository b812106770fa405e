"""The arrows of a batch: guarded like those of jobs, each with one audit event."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from downloads_app import services as files
from jobs_app.models import Batch, Job
from jobs_app.states import BATCH_OPEN, BatchStatus, Status
from jobs_app.transitions.rows import held
from jobs_app.transitions.waiting import enqueue
from pdfservice.teams import audit


def batch_accept(batch: Batch, expansion: Job, *, actor: str) -> None:
    """Insert a new batch and the job that expands it, and ring; in the caller's transaction."""
    enqueue(expansion, actor=actor)
    batch.expansion = expansion
    batch.save(force_insert=True)
    record(batch, "batch.queued", actor, total=batch.total, output=batch.output_mode)


def batch_start(batch: Batch, *, total: int) -> bool:
    """Note that the items are being expanded and how many there are; False when nobody wants them any more."""
    waiting = Batch.objects.open().filter(pk=batch.pk, expanded_at=None, cancel_requested_at=None)
    started_at = batch.started_at or timezone.now()
    return bool(waiting.update(status=BatchStatus.PROCESSING, started_at=started_at, total=total))


def batch_hold(batch: Batch, expansion: Job) -> bool:
    """Keep others from changing the batch until the caller's transaction ends.

    False when the expansion is not this claim's any more, or when nobody wants the batch any more.
    """
    if not held(expansion).select_for_update().exists():
        return False
    wanted = Batch.objects.open().filter(pk=batch.pk, expanded_at=None, cancel_requested_at=None)
    return wanted.select_for_update().exists()


def batch_expanded(batch: Batch, expansion: Job) -> bool:
    """Note that every item has its row; False when the claim or the batch is lost."""
    with transaction.atomic():
        return batch_hold(batch, expansion) and bool(
            Batch.objects.filter(pk=batch.pk).update(expanded_at=Now(), sealed_passwords="")
        )


def batch_bundle(batch: Batch, bundle: Job) -> bool:
    """Queue the job that makes one file of the batch, once; False when there is one."""
    wanting = Batch.objects.filter(pk=batch.pk, status=BatchStatus.PROCESSING, bundle=None, cancel_requested_at=None)
    with transaction.atomic():
        # Whoever locks the row first goes on; the others see the bundle.
        if not wanting.select_for_update().exists() or _is_unfinished(batch):
            return False
        enqueue(bundle, actor="batch")
        return bool(wanting.update(bundle=bundle))


def batch_done(batch: Batch, counts: dict[str, int]) -> bool:
    """End a batch of which at least one document was made."""
    return _end(batch, BatchStatus.DONE, counts)


def batch_failed(batch: Batch, counts: dict[str, int], *, code: str, message: str) -> bool:
    """End a batch that made nothing."""
    return _end(batch, BatchStatus.FAILED, counts, error_code=code, error_message=message)


def batch_cancelled(batch: Batch, counts: dict[str, int]) -> bool:
    """End a batch that somebody cancelled."""
    return _end(batch, BatchStatus.CANCELLED, counts, error_code="cancelled", error_message="The batch was cancelled.")


def batch_request_cancel(batch: Batch, *, actor: str) -> bool:
    """Note that nobody wants the batch any more."""
    with transaction.atomic():
        if not Batch.objects.open().filter(pk=batch.pk, cancel_requested_at=None).update(cancel_requested_at=Now()):
            return False
        record(batch, "batch.cancel_requested", actor)
    return True


def batch_reopen(batch: Batch, *, actor: str) -> bool:
    """Send a batch that has ended, and was not cancelled, back to work; what it bundled before is forgotten."""
    ended = Batch.objects.filter(pk=batch.pk, status__in=(BatchStatus.DONE, BatchStatus.FAILED))
    with transaction.atomic():
        fresh: dict[str, Any] = {"finished_at": None, "bundle": None, "error_code": "", "error_message": ""}
        if not ended.update(status=BatchStatus.PROCESSING, **fresh):
            return False
        record(batch, "batch.revived", actor)
    return True


def batch_forget(batch: Batch, *, before: datetime) -> bool:
    """Delete a batch that ended before that moment, with its items; its jobs have been archived."""
    with transaction.atomic():
        counts = batch.items.counts()
        locked = Batch.objects.select_for_update().filter(pk=batch.pk)
        if not locked.exists() or not Batch.objects.forgettable(before).filter(pk=batch.pk).exists():
            return False
        record(batch, "batch.forgotten", "maintain", total=batch.total, failed=counts[Status.FAILED])
        Batch.objects.filter(pk=batch.pk).delete()
        files.files_forget(ids=[batch.source_id] if batch.source_id else [])
    return True


def _end(batch: Batch, status: BatchStatus, counts: dict[str, int], **error: str) -> bool:
    rows = Batch.objects.filter(pk=batch.pk, status__in=BATCH_OPEN)
    if status == BatchStatus.DONE:
        # A file that was to be made belongs to the round that is judged here, not to one before a retry.
        rows = rows.filter(bundle=batch.bundle_id)
    with transaction.atomic():
        if not rows.select_for_update().exists() or _is_unfinished(batch):
            return False
        if not rows.update(status=status, finished_at=timezone.now(), sealed_passwords="", **error):
            return False
        record(batch, f"batch.{status}", "batch", counts=counts, **({"code": error["error_code"]} if error else {}))
    return True


def _is_unfinished(batch: Batch) -> bool:
    # Asked again under the lock: failed jobs may have gone back since the caller looked.
    return batch.expanded_at is not None and batch.items.unfinished().exists()


def record(batch: Batch, action: str, actor: str, **data: Any) -> None:
    """Append the audit event of an arrow."""
    audit.record(
        team_id=batch.team_id,
        actor=actor,
        action=action,
        subject_type="batch",
        subject_id=batch.external_id,
        data=data,
    )
