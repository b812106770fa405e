"""What may be done with batches."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from downloads_app.models import StoredFile
from jobs_app import backpressure, transitions
from jobs_app.batches import settlement
from jobs_app.models import Batch, Job
from jobs_app.states import BATCH_OPEN, BatchStatus, OutputMode, Status
from pdfservice.lib.errors import conflict, gone, not_found
from pdfservice.teams.callers import Caller


def batch_get(*, caller: Caller, batch_id: UUID) -> Batch:
    """Return a batch that the caller may see, with what its representation shows; raise ServiceError (404)."""
    batches = Batch.objects.visible_to(caller).select_related("template_version__template", "team", "bundle__output")
    batch = batches.filter(external_id=batch_id).first()
    if batch is None:
        raise not_found("batch")
    return batch


def batch_output(*, caller: Caller, batch_id: UUID) -> StoredFile:
    """Return the one file of a batch; raise ServiceError: 404 unseen, 409 while there is none, 410 once it expired."""
    batch = batch_get(caller=caller, batch_id=batch_id)
    if batch.output_mode == OutputMode.SEPARATE:
        raise conflict("This batch makes separate documents: each job has its own file.", "no_file")
    if batch.status != BatchStatus.DONE:
        raise conflict(f"The batch is {batch.status}; there is a file only once it is done.", "not_done")
    output = batch.bundle.output if batch.bundle and batch.bundle.status == Status.DONE else None
    if output is None or (output.expires_at is not None and output.expires_at <= timezone.now()):
        raise gone("The file has expired and was deleted.", "expired")
    return output


def batch_cancel(*, caller: Caller, batch_id: UUID) -> Batch:
    """Cancel what of a batch has not ended and nobody else waits for; raise ServiceError (404, 409)."""
    batch_stop(batch_get(caller=caller, batch_id=batch_id), actor=caller.actor)
    return batch_get(caller=caller, batch_id=batch_id)


def batch_stop(batch: Batch, *, actor: str) -> None:
    """Cancel a batch; raise ServiceError (409) once it has ended."""
    if not transitions.batch_request_cancel(batch, actor=actor):
        batch.refresh_from_db(fields=["status"])
        if batch.status not in BATCH_OPEN:
            raise conflict(f"The batch is {batch.status} and cannot be cancelled any more.", "not_cancellable")
    # Read now: the file may have been queued just before nobody wanted it any more.
    batch.refresh_from_db(fields=["expansion", "bundle"])
    own = Job.objects.filter(pk__in=[pk for pk in (batch.expansion_id, batch.bundle_id) if pk])
    transitions.cancel_many(own, actor=actor)
    settlement.stop_jobs(batch, actor=actor)
    settlement.settle(batch)


def batch_retry_failed(*, caller: Caller, batch_id: UUID) -> Batch:
    """Send a batch's failed jobs back, and make its file again; raise ServiceError (404, 409)."""
    batch_revive(batch_get(caller=caller, batch_id=batch_id), actor=caller.actor)
    return batch_get(caller=caller, batch_id=batch_id)


def batch_revive(batch: Batch, *, actor: str) -> None:
    """Send a batch's failed jobs back; raise ServiceError (409) when there are none.

    Items that never became a job would fail again and stay as they are.
    """
    failed = Job.objects.repeatable().filter(batch_items__batch=batch, status=Status.FAILED)
    is_file_failed = batch.bundle is not None and batch.bundle.status == Status.FAILED
    if batch.status == BatchStatus.CANCELLED or batch.cancel_requested_at is not None:
        raise conflict("The batch was cancelled; submit it again.", "not_retryable")
    if batch.expanded_at is None:
        raise conflict("The batch is not expanded.", "not_retryable")
    ids = list(failed.values_list("pk", flat=True).distinct())
    if not ids and not (is_file_failed and batch.status == BatchStatus.FAILED):
        raise conflict("No document of this batch can be tried again.", "nothing_to_retry")
    # Together: a batch that is judged in between would end as what it was.
    with transaction.atomic():
        if ids:
            backpressure.admit(team=batch.team, count=len(ids))
        transitions.batch_reopen(batch, actor=actor)
        transitions.revive_many(Job.objects.filter(pk__in=ids), actor=actor)
