"""Arrows that many jobs walk at once, for batches: as guarded as the single ones, in a few queries."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Now
from django.utils import timezone

from jobs_app import fairness, queue
from jobs_app.models import Job
from jobs_app.states import Status
from jobs_app.transitions.rows import ATTEMPTS, CANCELLED, NO_ERROR
from pdfservice.teams import audit

_AT_ONCE = 200
# Workers go on by themselves once they are awake: a few rings wake as many as there are.
RINGS = 8


def enqueue_many(jobs: Sequence[Job], *, actor: str) -> None:
    """Insert new jobs of one team and one priority, in turn, and ring a few times; in the caller's transaction.

    Raises IntegrityError when a job with the same cache key is under way.
    """
    if not jobs:
        return
    first = fairness.next_turn(team_id=jobs[0].team_id, priority=jobs[0].effective_priority)
    for turn, job in enumerate(jobs, first):
        job.turn = turn
        job.climb_at = job.queued_at + fairness.CLIMB_AFTER
    Job.objects.bulk_create(jobs)
    _record_all(jobs, "job.queued", actor)
    queue.ring(min(len(jobs), RINGS))


def cancel_many(jobs: QuerySet[Job], *, actor: str) -> int:
    """End those of `jobs` that wait and flag those that are being made, and return how many that was."""
    ended = 0
    with transaction.atomic():
        waiting = list(jobs.filter(status=Status.QUEUED).select_for_update().only("pk", "external_id", "team_id"))
        for chunk in _chunks(waiting):
            rows = Job.objects.filter(pk__in=[job.pk for job in chunk], status=Status.QUEUED, is_shared=False)
            ended += rows.update(status=Status.CANCELLED, finished_at=timezone.now(), run_at=None, **CANCELLED)
        _record_all(waiting, "job.cancelled", actor)
        under_way = jobs.filter(status=Status.PROCESSING, cancel_requested_at=None)
        made = list(under_way.select_for_update().only("pk", "external_id", "team_id"))
        for chunk in _chunks(made):
            rows = Job.objects.filter(pk__in=[job.pk for job in chunk], status=Status.PROCESSING)
            ended += rows.update(cancel_requested_at=Now())
        _record_all(made, "job.cancel_requested", actor)
    return ended


def revive_many(jobs: QuerySet[Job], *, actor: str) -> int:
    """Send the failed ones of `jobs` back into the queue in their order, and return how many that was."""
    failed = list(
        jobs.filter(pk__in=Job.objects.repeatable().values("pk"), status=Status.FAILED).defer("payload").order_by("id")
    )
    revived = 0
    for chunk in _chunks(failed):
        try:
            with transaction.atomic():
                revived += _revive(chunk, actor)
        except IntegrityError:
            # Identical work of somebody else is under way: these stand beside it instead of sharing it.
            Job.objects.filter(pk__in=[job.pk for job in chunk], status=Status.FAILED).update(cache_key="")
            revived += _revive(chunk, actor)
    return revived


def _revive(chunk: Sequence[Job], actor: str) -> int:
    with transaction.atomic():
        ids = [job.pk for job in chunk]
        locked = set(
            Job.objects.filter(pk__in=ids, status=Status.FAILED).select_for_update().values_list("pk", flat=True)
        )
        back = [job for job in chunk if job.pk in locked]
        if not back:
            return 0
        first = fairness.next_turn(team_id=back[0].team_id, priority=back[0].effective_priority)
        turns = [When(pk=job.pk, then=Value(turn)) for turn, job in enumerate(back, first)]
        Job.objects.filter(pk__in=locked, status=Status.FAILED).update(
            status=Status.QUEUED,
            finished_at=None,
            cancel_requested_at=None,
            due_since=Now(),
            max_attempts=F("attempt_count") + ATTEMPTS,
            turn=Case(*turns, default=Value(first)),
            climb_at=Now() + fairness.CLIMB_AFTER,
            **NO_ERROR,
        )
        _record_all(back, "job.revived", actor)
        queue.ring(min(len(back), RINGS))
    return len(back)


def _record_all(jobs: Sequence[Job], action: str, actor: str) -> None:
    audit.record_all([(job.team_id, job.external_id) for job in jobs], actor=actor, action=action, subject_type="job")


def _chunks(jobs: Sequence[Job]) -> list[Sequence[Job]]:
    return [jobs[start : start + _AT_ONCE] for start in range(0, len(jobs), _AT_ONCE)]
