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
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone

from jobs_app.models import Batch, Job
from pdfservice.lib.errors import ServiceError
from pdfservice.lib.statements import BLANK_KEY, Statement, compiled, run
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
    questions = _questions(connection.vendor, limit, settings.MAX_QUEUED_TOTAL, of_team=team_id is not None)
    answers = run(*(question.filled({BLANK_KEY: team_id}) for question in questions))
    value = sum(int(answer.first[0] or 0) for answer in answers if answer.first)
    _figures["waiting", team_id] = _Figure(value)
    return value


@lru_cache
def _questions(vendor: str, limit: int, limit_of_all: int, *, of_team: bool) -> tuple[Statement, Statement, Statement]:
    """Return what asks for jobs that are due, for those between two attempts, and for what batches will become."""
    own = {"team_id": BLANK_KEY} if of_team else {}
    due = Job.objects.claimable().order_by().filter(**own).values("turn")[: limit + 1]
    between = Job.objects.between_attempts().order_by().values("team_id")[:limit_of_all]
    # Of these the team's own only once all were found: as a filter it would invite the index over all that the team
    # ever asked for.
    whose = " WHERE team_id = %s" if of_team else ""
    found = _around(f"SELECT COUNT(*) FROM ({{}}) later{whose}", between)  # noqa: S608  # our own text
    # Batches that were accepted and will be jobs in a moment.
    reserved = Batch.objects.unexpanded().order_by().filter(**own).values("reserved")
    return (
        _around("SELECT COUNT(*) FROM ({}) due", due),
        replace(found, values=[*found.values, *own.values()]),
        _around("SELECT SUM(reserved) FROM ({}) unexpanded", reserved),
    )


def _around(question: str, rows: QuerySet[Any, Any]) -> Statement:
    statement = compiled(rows)
    return replace(statement, sql=question.format(statement.sql))


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
