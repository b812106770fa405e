"""The arrows that maintenance walks: jobs whose worker is lost, outputs and payloads whose time is over."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from jobs_app import queue
from jobs_app.models import Job, JobQuerySet
from jobs_app.outcomes import Failure
from jobs_app.states import Outcome, Status
from jobs_app.transitions.erasing import erase_attempts, erased_fields
from jobs_app.transitions.rows import (
    NO_PASSWORDS,
    drop_if_asked,
    end_attempt,
    error_fields,
    held,
    leave,
    record,
    record_failure,
)


def rescue(job: Job, *, actor: str, worker_is_dead: bool = False) -> bool:
    """Take a job from a worker that is not heard of any more: back into the queue, or failed when attempts are spent.

    The attempt is given back when the document was made and only waited for the storage: the spool's deadline bounds
    how often that may be. Without `worker_is_dead` only if its lease has run out.
    """
    lost = Failure("render_crash", "The worker was lost while it made this document.", permanent=False)
    seen = held(job) if worker_is_dead else held(job).filter(lease_expires_at__lt=Now())
    spent = job.attempt_count >= job.max_attempts
    with transaction.atomic():
        if drop_if_asked(job, seen, lost) or _spare(job, seen.filter(is_spooled=True), actor):
            return True
        if spent:
            done = leave(
                job, seen, status=Status.FAILED, finished_at=timezone.now(), **NO_PASSWORDS, **error_fields(lost)
            )
        else:
            done = leave(job, seen, status=Status.QUEUED, started_at=None, due_since=Now(), **error_fields(lost))
        if not done:
            return False
        end_attempt(job, Outcome.LOST, lost)
        action = "job.failed" if spent else "job.rescued"
        record_failure(job, action, actor, Outcome.LOST, lost, worker=job.claimed_by)
        if not spent:
            queue.ring()
    return True


def _spare(job: Job, rows: JobQuerySet, actor: str) -> bool:
    """Send a job back that had only to be stored, and the attempt with it; False when there was more to do."""
    lost = Failure("storage_error", "The worker was lost while it stored this document.", permanent=False)
    back: dict[str, Any] = {"due_since": Now(), "attempt_count": F("attempt_count") - 1}
    if not leave(job, rows, status=Status.QUEUED, started_at=None, **back, **error_fields(lost)):
        return False
    end_attempt(job, Outcome.RELEASED, lost)
    record_failure(job, "job.rescued", actor, Outcome.RELEASED, lost, worker=job.claimed_by)
    queue.ring()
    return True


def expire(job: Job) -> bool:
    """End a finished job whose output's time is over, and erase what is personal in it."""
    with transaction.atomic():
        due = Job.objects.output_expired().filter(pk=job.pk)
        if not due.update(status=Status.EXPIRED, **erased_fields(job)):
            return False
        erase_attempts(job)
        record(job, "job.expired", "maintain")
    return True


def erase(job: Job) -> bool:
    """Erase the payload of a dead letter or a cancelled job: it cannot be sent back any more."""
    with transaction.atomic():
        if not Job.objects.payload_due().filter(pk=job.pk).update(**erased_fields(job)):
            return False
        erase_attempts(job)
        record(job, "job.erased", "maintain")
    return True
