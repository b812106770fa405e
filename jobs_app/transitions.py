"""Every arrow between two states of a job, and nothing else writes `Job.status`.

    queued ──claim──► processing ──complete──► done ──expire──► expired
      ▲  └─cancel─► cancelled ◄──┤  └──fail──► failed
      ├── release, retry, rescue ┘               │
      └──────────────── revive ──────────────────┘ (from failed and cancelled)

Each is one UPDATE, guarded by the state it leaves, plus one audit event, in one transaction. No row updated means that
somebody was first: the function says False, or None, and nothing happened.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone

from downloads_app import services as files
from jobs_app import fairness, queue
from jobs_app.models import Job, JobAttempt, JobQuerySet
from jobs_app.outcomes import Failure, Result
from jobs_app.states import Outcome, Status
from pdfservice.teams import audit

# How often a job is tried before it is a dead letter; an operator who sends it back grants as many again.
ATTEMPTS = 3
_NO_ERROR: dict[str, Any] = {"error_code": "", "error_message": "", "error_detail": {}}
_CANCELLED: dict[str, Any] = {
    "error_code": "cancelled",
    "error_message": "The job was cancelled.",
    "error_detail": {},
}


def enqueue(job: Job, *, actor: str) -> None:
    """Insert a new job and ring for it."""
    job.turn = fairness.next_turn(team_id=job.team_id, priority=job.effective_priority)
    job.climb_at = job.queued_at + fairness.CLIMB_AFTER
    with transaction.atomic():
        job.save(force_insert=True)
        _record(job, "job.queued", actor)
        queue.ring()


def claim(*, worker: str) -> Job | None:
    """Take the best waiting job for `worker`: counts the attempt, starts the lease, grows the fencing token.

    Returns it with its version, template and team, or None when nothing waits.
    """
    with transaction.atomic():
        best = Job.objects.claimable().select_for_update(skip_locked=True).values_list("pk", flat=True).first()
        if best is None:
            return None
        taken = Job.objects.filter(pk=best, status=Status.QUEUED, run_at=None).update(
            status=Status.PROCESSING,
            attempt_count=F("attempt_count") + 1,
            claim_number=F("claim_number") + 1,
            claimed_by=worker,
            lease_expires_at=_lease_end(),
            started_at=Now(),
        )
        if not taken:
            return None
        job = Job.objects.select_related("template_version__template", "team").get(pk=best)
        JobAttempt.objects.create(
            job=job, number=job.attempt_count, claim_number=job.claim_number, worker=worker, started_at=Now()
        )
        _record(job, "job.processing", f"worker:{worker}", attempt=job.attempt_count)
    return job


def cancel(job: Job, *, actor: str) -> bool:
    """End a job that waits."""
    waiting = Job.objects.filter(pk=job.pk, status=Status.QUEUED)
    with transaction.atomic():
        if not waiting.update(status=Status.CANCELLED, finished_at=timezone.now(), run_at=None, **_CANCELLED):
            return False
        _record(job, "job.cancelled", actor)
    return True


def request_cancel(job: Job, *, actor: str) -> bool:
    """Ask the worker that makes the job to drop it: it looks every two seconds."""
    under_way = Job.objects.filter(pk=job.pk, status=Status.PROCESSING, cancel_requested_at=None)
    with transaction.atomic():
        if not under_way.update(cancel_requested_at=Now()):
            return False
        _record(job, "job.cancel_requested", actor)
    return True


def drop(job: Job) -> bool:
    """End a job that is being made and that somebody asked to cancel."""
    with transaction.atomic():
        return _drop_if_asked(job, _held(job))


def revive(job: Job, *, actor: str) -> bool:
    """Send a failed or cancelled job back into the queue, with as many new attempts as it had at first.

    Raises IntegrityError when an identical job is under way.
    """
    ended = Job.objects.filter(pk=job.pk, status__in=(Status.FAILED, Status.CANCELLED), payload__isnull=False)
    with transaction.atomic():
        if not ended.update(
            status=Status.QUEUED,
            finished_at=None,
            cancel_requested_at=None,
            due_since=Now(),
            max_attempts=F("attempt_count") + ATTEMPTS,
            turn=fairness.next_turn(team_id=job.team_id, priority=job.effective_priority),
            climb_at=Now() + fairness.CLIMB_AFTER,
            **_NO_ERROR,
        ):
            return False
        _record(job, "job.revived", actor)
        queue.ring()
    return True


def is_cancel_requested(job: Job) -> bool:
    """Say whether somebody asked to cancel a job that this claim holds."""
    return _held(job).filter(cancel_requested_at__isnull=False).exists()


def renew(job: Job) -> bool:
    """Extend the lease; False when the job is no longer this claim's."""
    return bool(_held(job).update(lease_expires_at=_lease_end()))


def complete(job: Job, result: Result) -> bool:
    """Finish the job with its output, unless somebody else holds it by now."""
    now = timezone.now()
    with transaction.atomic():
        if not _leave(
            job,
            status=Status.DONE,
            finished_at=now,
            output_id=result.file_id,
            page_count=result.page_count,
            warnings=list(result.warnings),
            timings=dict(result.timings),
            **_NO_ERROR,
        ):
            return False
        # Read now: another caller who shares the job may have asked to keep it longer meanwhile.
        keeps_for = Job.objects.values_list("expires_in", flat=True).get(pk=job.pk)
        expires_at = None if keeps_for is None else now + timedelta(seconds=keeps_for)
        if not files.file_confirm(file_id=result.file_id, stored=result.stored, expires_at=expires_at):
            raise RuntimeError(f"File {result.file_id} of job {job.external_id} was swept before the job was done.")
        _end_attempt(job, Outcome.DONE, peak_memory_kb=result.peak_memory_kb, log=result.log)
        _record(job, "job.done", f"worker:{job.claimed_by}", pages=result.page_count, sha256=result.stored.sha256)
    return True


def fail(job: Job, failure: Failure) -> bool:
    """End the job for good."""
    with transaction.atomic():
        if not _leave(job, status=Status.FAILED, finished_at=timezone.now(), **_error(failure)):
            return False
        _end_attempt(job, Outcome.FAILED, failure)
        _record(job, "job.failed", f"worker:{job.claimed_by}", code=failure.code, attempt=job.attempt_count)
    return True


def retry(job: Job, failure: Failure, *, delay: timedelta) -> bool:
    """Send the job back to wait `delay` for its next attempt."""
    with transaction.atomic():
        if _drop_if_asked(job, _held(job), failure):
            return True
        if not _leave(job, status=Status.QUEUED, started_at=None, run_at=Now() + delay, **_error(failure)):
            return False
        _end_attempt(job, Outcome.RETRY, failure)
        _record(job, "job.retrying", f"worker:{job.claimed_by}", code=failure.code, attempt=job.attempt_count)
    return True


def postpone(job: Job, failure: Failure, *, delay: timedelta) -> bool:
    """Send the job back to wait `delay` through no fault of its own, and the attempt with it."""
    with transaction.atomic():
        if _drop_if_asked(job, _held(job), failure):
            return True
        later: dict[str, Any] = {"run_at": Now() + delay, "attempt_count": F("attempt_count") - 1}
        if not _leave(job, status=Status.QUEUED, started_at=None, **later, **_error(failure)):
            return False
        _end_attempt(job, Outcome.RELEASED, failure)
        _record(job, "job.postponed", f"worker:{job.claimed_by}", code=failure.code)
    return True


def release(job: Job) -> bool:
    """Give an unfinished job back, and the attempt with it: its worker was asked to stop."""
    with transaction.atomic():
        if _drop_if_asked(job, _held(job)):
            return True
        if not _leave(
            job, status=Status.QUEUED, started_at=None, due_since=Now(), attempt_count=F("attempt_count") - 1
        ):
            return False
        _end_attempt(job, Outcome.RELEASED)
        _record(job, "job.released", f"worker:{job.claimed_by}")
        queue.ring()
    return True


def rescue(job: Job, *, actor: str, worker_is_dead: bool = False) -> bool:
    """Take a job from a worker that is not heard of any more: back into the queue, or failed when attempts are spent.

    Without `worker_is_dead` only if its lease has run out.
    """
    lost = Failure("render_crash", "The worker was lost while it made this document.", permanent=False)
    seen = _held(job) if worker_is_dead else _held(job).filter(lease_expires_at__lt=Now())
    spent = job.attempt_count >= job.max_attempts
    with transaction.atomic():
        if _drop_if_asked(job, seen, lost):
            return True
        if spent:
            done = _leave(job, seen, status=Status.FAILED, finished_at=timezone.now(), **_error(lost))
        else:
            done = _leave(job, seen, status=Status.QUEUED, started_at=None, due_since=Now(), **_error(lost))
        if not done:
            return False
        _end_attempt(job, Outcome.LOST, lost)
        action = "job.failed" if spent else "job.rescued"
        _record(job, action, actor, code=lost.code, attempt=job.attempt_count, worker=job.claimed_by)
        if not spent:
            queue.ring()
    return True


def promote_due() -> int:
    """Let the jobs run whose wait is over, and return their number."""
    with transaction.atomic():
        promoted = Job.objects.retry_due().update(run_at=None, due_since=Now())
        if promoted:
            queue.ring(promoted)
    return promoted


def expire(job: Job) -> bool:
    """End a finished job whose output's time is over, and erase its payload."""
    with transaction.atomic():
        if not Job.objects.output_expired().filter(pk=job.pk).update(status=Status.EXPIRED, payload=None):
            return False
        _record(job, "job.expired", "maintain")
    return True


def _held(job: Job) -> JobQuerySet:
    """The row, as long as it is still this claim's: the fencing token decides."""
    return Job.objects.filter(pk=job.pk, status=Status.PROCESSING, claim_number=job.claim_number)


def _leave(job: Job, held: JobQuerySet | None = None, **changes: Any) -> bool:
    rows = _held(job) if held is None else held
    return bool(rows.update(lease_expires_at=None, claimed_by="", **changes))


def _drop_if_asked(job: Job, held: JobQuerySet, failure: Failure | None = None) -> bool:
    asked = held.filter(cancel_requested_at__isnull=False)
    if not _leave(job, asked, status=Status.CANCELLED, finished_at=timezone.now(), **_CANCELLED):
        return False
    _end_attempt(job, Outcome.CANCELLED, failure)
    _record(job, "job.cancelled", f"worker:{job.claimed_by}")
    return True


def _lease_end() -> Combinable:
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)


def _error(failure: Failure) -> dict[str, Any]:
    return {
        "error_code": failure.code,
        "error_message": failure.message,
        "error_detail": dict(failure.detail),
    }


def _end_attempt(
    job: Job, outcome: Outcome, failure: Failure | None = None, *, peak_memory_kb: int | None = None, log: str = ""
) -> None:
    JobAttempt.objects.filter(job=job, claim_number=job.claim_number).update(
        outcome=outcome,
        finished_at=timezone.now(),
        error_code=failure.code if failure else "",
        error_message=failure.message if failure else "",
        peak_memory_kb=failure.peak_memory_kb if failure else peak_memory_kb,
        log=failure.log if failure else log,
    )


def _record(job: Job, action: str, actor: str, **data: Any) -> None:
    audit.record(
        team_id=job.team_id, actor=actor, action=action, subject_type="job", subject_id=job.external_id, data=data
    )
