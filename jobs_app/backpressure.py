"""How much may wait: limits of a team and of the service, and when a caller who was refused should come back.

Counting costs no more as the queue grows: it stops at the limit, reads one partial index, and its result is trusted for
half a second where it is dear (a thousand jobs or more) or far from the limit. So a full queue refuses from memory.

The limits are not exact to the job. Callers who meet at the same moment may each take the last place, and near a limit
above a thousand those of half a second may. Batches of one team wait for each other, so that no two of them ever take
the same room.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Count, Min, Q
from django.utils import timezone

from jobs_app.models import Batch, Job
from jobs_app.states import BATCH_OPEN, Status
from pdfservice.lib.errors import ServiceError
from pdfservice.lib.statements import Statement, run
from pdfservice.teams.models import Team

TRUSTED_SECONDS = 0.5
# More than come in while a figure is trusted; and from so many on counting is dear.
MANY = 1_000
# The drain rate is what ended in so long at most, and counting that stops at so many.
MEASURED = timedelta(minutes=1)
_MOST_MEASURED = 10_000
_SHORTEST_MEASURED = timedelta(seconds=2)
SOONEST_SECONDS, LATEST_SECONDS = 1, 300
# What a caller is told when nothing ended in the last minute.
UNMEASURED_SECONDS = 30


@dataclass(frozen=True, slots=True)
class _Figure:
    value: int
    at: float = field(default_factory=time.monotonic)

    @property
    def is_young(self) -> bool:
        return time.monotonic() - self.at < TRUSTED_SECONDS


# By what was counted and for which team, None for all.
_figures: dict[tuple[str, int | None], _Figure] = {}


def admit(*, team: Team, count: int) -> None:
    """Let `count` jobs of `team` into the queue, all or none; raise ServiceError (429 `queue_full`, or 413).

    For more than one call it in the transaction that inserts them: it holds off the team's other batches until then.
    What adds no job, because an earlier one answers, need not ask.
    """
    if count > 1 and connection.in_atomic_block:
        # Not a key's lock: those who insert single jobs go on.
        Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    refused = refusal(team=team, count=count)
    if refused is not None:
        raise refused


def refusal(*, team: Team, count: int) -> ServiceError | None:
    """Return why `count` more jobs of `team` may not wait, None when they may."""
    own_limit = settings.MAX_QUEUED if team.max_queued is None else team.max_queued
    limits = (
        (own_limit, team.pk, "The team's queue", "raise the team's max_queued"),
        (settings.MAX_QUEUED_TOTAL, None, "The service's queue", "add workers or raise MAX_QUEUED_TOTAL"),
    )
    for limit, team_id, whose, remedy in limits:
        if 1 < count > limit:
            message = f"{count} documents at once are too many: {whose.lower()} holds at most {limit} jobs. Send fewer."
            return ServiceError(413, "too_large", message)
        waiting = _waiting(team_id, limit, exactly=count > 1)
        if waiting + count > limit:
            seconds = _seconds_until_room(team_id, missing=waiting + count - limit)
            message = f"{whose} is full: {min(waiting, limit)} of at most {limit} jobs wait"
            message += f", and {count} more do not fit. " if count > 1 else ". "
            message += f"Send it again in {seconds} s. An operator may {remedy}."
            return ServiceError(429, "queue_full", message, retry_after_s=seconds)
    return None


def forget() -> None:
    """Forget every figure, so that the next caller counts."""
    _figures.clear()


def _waiting(team_id: int | None, limit: int, *, exactly: bool) -> int:
    """Return how many jobs wait, for a worker or for their next attempt; counting ends just above the limit."""
    known = _figures.get(("waiting", team_id))
    if known and known.is_young and not exactly and (known.value >= MANY or limit - known.value >= MANY):
        return known.value
    due, between, reserved = _QUESTIONS[team_id is None]
    own = () if team_id is None else (team_id,)
    answers = run(
        Statement(due, [*own, limit + 1]),
        Statement(between, [settings.MAX_QUEUED_TOTAL, *own]),
        Statement(reserved, own),
    )
    value = sum(int(answer.first[0] or 0) for answer in answers if answer.first)
    _figures["waiting", team_id] = _Figure(value)
    return value


def _questions(own: str) -> tuple[str, str, str]:
    """Return what asks for jobs that are due, for those between two attempts, and for what batches will become.

    Of those between two attempts the team's own only once all were found: asked for the team's, the database might go
    through all that the team ever sent.
    """
    job, batch = Job._meta.db_table, Batch._meta.db_table
    queued = f"status = '{Status.QUEUED}'"
    still_open = ", ".join(f"'{status}'" for status in BATCH_OPEN)
    due = f"FROM {job} WHERE {queued} AND run_at IS NULL{own} LIMIT %s"
    between = f"FROM {job} WHERE {queued} AND run_at IS NOT NULL LIMIT %s"
    unexpanded = f"FROM {batch} WHERE status IN ({still_open}) AND expanded_at IS NULL AND cancel_requested_at IS NULL"
    # All of it is our own text.
    return (
        f"SELECT COUNT(*) FROM (SELECT 1 {due}) due",  # noqa: S608
        f"SELECT COUNT(*) FROM (SELECT team_id {between}) between_attempts WHERE 1 = 1{own}",  # noqa: S608
        f"SELECT SUM(reserved) {unexpanded}{own}",
    )


# For all teams (True) and for one.
_QUESTIONS = {True: _questions(""), False: _questions(" AND team_id = %s")}


def _seconds_until_room(team_id: int | None, *, missing: int) -> int:
    milliseconds = _milliseconds_each(team_id)
    if not milliseconds:
        return UNMEASURED_SECONDS
    return min(max(math.ceil(missing * milliseconds / 1000), SOONEST_SECONDS), LATEST_SECONDS)


def _milliseconds_each(team_id: int | None) -> int:
    """Return in what time one job ended after the other in the last minute; 0 when none did."""
    known = _figures.get(("ended", team_id))
    if known and known.is_young:
        return known.value
    now = timezone.now()
    ended = Job.objects.filter(finished_at__gt=now - MEASURED).order_by("-finished_at")[:_MOST_MEASURED]
    own = Q() if team_id is None else Q(team_id=team_id)
    found = ended.aggregate(own=Count("pk", filter=own), first=Min("finished_at", filter=own))
    # From the first end on: what was idle before would make a fast service look slow.
    measured = max(now - found["first"], _SHORTEST_MEASURED) if found["own"] else timedelta()
    value = math.ceil(measured / timedelta(milliseconds=1) / found["own"]) if found["own"] else 0
    _figures["ended", team_id] = _Figure(value)
    return value
