"""When a batch has ended, and as what. Whoever ends its last job settles it; `maintain` does so for the rest."""

from __future__ import annotations

from downloads_app import services as files
from jobs_app import transitions
from jobs_app.batches.submission import own_job
from jobs_app.models import Batch, BatchItem, Job
from jobs_app.models.batches import BatchQuerySet
from jobs_app.states import Kind, OutputMode, Status
from pdfservice.lib.statements import find, run

AT_ONCE = 500


def settle_after(job: Job) -> None:
    """Settle the batches for which `job` may have been the last."""
    # Of a document no batch but its items' can know, and most belong to none.
    if job.kind == Kind.RENDER and not run(find(BatchItem, {"job_id": job.pk}))[0].count:
        return
    for batch in Batch.objects.concerned_by(job).only("pk"):  # `settle` reads it afresh
        settle(batch)
    if job.kind == Kind.EXPAND:
        _discard(Batch.objects.source_spent().filter(expansion=job))


def settle_open() -> int:
    """Settle every batch that has ended unnoticed, and return how many that was."""
    return sum(settle(batch) for batch in Batch.objects.open().order_by("id")[:AT_ONCE])


def discard_sources() -> int:
    """Delete the stored items of batches that are expanded, and return how many those were."""
    return _discard(Batch.objects.source_spent())


def settle(batch: Batch) -> bool:
    """End a batch whose items have all ended, or queue what makes one file of them; False with nothing to do."""
    batch = Batch.objects.select_related("team", "expansion", "bundle").get(pk=batch.pk)
    if batch.expanded_at is None:
        return _settle_unexpanded(batch)
    if batch.items.unfinished().exists():
        return False
    counts = batch.items.counts()
    if batch.cancel_requested_at is not None:
        return _settle_cancelled(batch, counts)
    if not counts[Status.DONE] + counts[Status.EXPIRED]:
        message = f"None of the {batch.total} documents could be made; see the items."
        return transitions.batch_failed(batch, counts, code="no_document", message=message)
    if batch.output_mode == OutputMode.SEPARATE:
        return transitions.batch_done(batch, counts)
    return _settle_bundle(batch, counts)


def _settle_bundle(batch: Batch, counts: dict[str, int]) -> bool:
    if batch.bundle is None:
        return transitions.batch_bundle(batch, own_job(batch, Kind.BUNDLE, payload_hash=""))
    match batch.bundle.status:
        case Status.DONE | Status.EXPIRED:
            return transitions.batch_done(batch, counts)
        case Status.FAILED:
            code, message = batch.bundle.error_code, batch.bundle.error_message
            return transitions.batch_failed(batch, counts, code=code, message=message)
        case Status.CANCELLED:
            return transitions.batch_cancelled(batch, counts)
        case _:
            return False


def _settle_cancelled(batch: Batch, counts: dict[str, int]) -> bool:
    if batch.bundle is not None and not batch.bundle.is_final:
        return False
    # Everything was made before anybody could stop it.
    is_complete = batch.output_mode == OutputMode.SEPARATE or (batch.bundle and batch.bundle.status == Status.DONE)
    if is_complete and counts[Status.DONE] and not counts[Status.CANCELLED]:
        return transitions.batch_done(batch, counts)
    return transitions.batch_cancelled(batch, counts)


def _settle_unexpanded(batch: Batch) -> bool:
    """End a batch whose expansion ended before every item had its row; what it made so far goes with it."""
    expansion = batch.expansion
    if expansion is not None and not expansion.is_final:
        return False
    stop_jobs(batch, actor="batch")
    counts = batch.items.counts()
    if batch.cancel_requested_at is not None or (expansion and expansion.status == Status.CANCELLED):
        return transitions.batch_cancelled(batch, counts)
    code = expansion.error_code if expansion and expansion.error_code else "payload_error"
    message = expansion.error_message if expansion and expansion.error_message else "The items were lost."
    return transitions.batch_failed(batch, counts, code=code, message=message)


def stop_jobs(batch: Batch, *, actor: str) -> int:
    """Cancel the jobs that nobody but the batch waits for, let go of the shared ones, and return how many that was."""
    own = batch.items.filter(owns_job=True, job__is_shared=False)
    stopped = transitions.cancel_many(Job.objects.filter(pk__in=own.values("job"), is_shared=False), actor=actor)
    shared = batch.items.unfinished().order_by()
    released = shared.exclude(pk__in=own.values("pk")).values_list("pk", flat=True)
    return stopped + batch.items.filter(pk__in=list(released)).update(
        job=None, owns_job=False, error_code="cancelled", error_message="The batch was cancelled."
    )


def _discard(spent: BatchQuerySet) -> int:
    discarded = 0
    for file_id in spent.values_list("source", flat=True)[:AT_ONCE]:
        if file_id is not None:
            files.file_discard(file_id=file_id)
            discarded += 1
    return discarded
