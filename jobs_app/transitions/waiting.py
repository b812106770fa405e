"""The arrows of jobs that nobody holds: into the queue, and out of it without having been made."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from jobs_app import fairness, queue
from jobs_app.models import Job
from jobs_app.states import Status
from jobs_app.transitions.rows import ATTEMPTS, CANCELLED, NO_ERROR, event_of, record
from pdfservice.lib.statements import insert, inserted
from pdfservice.teams import audit


def enqueue(job: Job, *, actor: str) -> None:
    """Insert a new job and ring for it."""
    job.climb_at = job.queued_at + fairness.CLIMB_AFTER
    with transaction.atomic():
        job.turn = fairness.next_turn(team_id=job.team_id, priority=job.effective_priority)
        [answer] = audit.append(event_of(job, "job.queued", actor), beside=[insert(job)])
        inserted(job, answer)
        queue.ring()


def cancel(job: Job, *, actor: str) -> bool:
    """End a job that waits."""
    waiting = Job.objects.filter(pk=job.pk, status=Status.QUEUED)
    with transaction.atomic():
        if not waiting.update(status=Status.CANCELLED, finished_at=timezone.now(), run_at=None, **CANCELLED):
            return False
        record(job, "job.cancelled", actor)
    return True


def request_cancel(job: Job, *, actor: str) -> bool:
    """Ask the worker that makes the job to drop it: it looks every two seconds."""
    under_way = Job.objects.filter(pk=job.pk, status=Status.PROCESSING, cancel_requested_at=None)
    with transaction.atomic():
        if not under_way.update(cancel_requested_at=Now()):
            return False
        record(job, "job.cancel_requested", actor)
    return True


def revive(job: Job, *, actor: str) -> bool:
    """Send a failed or cancelled job back into the queue, with as many new attempts as it had at first.

    Raises IntegrityError when an identical job is under way.
    """
    ended = Job.objects.repeatable().filter(pk=job.pk, status__in=(Status.FAILED, Status.CANCELLED))
    with transaction.atomic():
        if not ended.update(
            status=Status.QUEUED,
            finished_at=None,
            cancel_requested_at=None,
            due_since=Now(),
            max_attempts=F("attempt_count") + ATTEMPTS,
            turn=fairness.next_turn(team_id=job.team_id, priority=job.effective_priority),
            climb_at=Now() + fairness.CLIMB_AFTER,
            **NO_ERROR,
        ):
            return False
        record(job, "job.revived", actor)
        queue.ring()
    return True


def promote_due(*, limit: int = 500) -> int:
    """Let the jobs run whose wait is over, at most `limit` of them, and return their number.

    Each stands in line again: had it its old turn, a team's failing jobs would come before everybody else's.
    """
    with transaction.atomic():
        due = list(Job.objects.retry_due().select_for_update(skip_locked=True).order_by("run_at", "id")[:limit])
        promoted = sum(
            Job.objects.retry_due().filter(pk=job.pk).update(run_at=None, due_since=Now(), turn=turn)
            for job, turn in fairness.turns_again(due)
        )
        if promoted:
            queue.ring(promoted)
    return promoted
