"""Whose turn it is: teams take turns within a priority, and what waits long climbs.

Start-time fair queueing (Goyal, Vin, Cheng 1996) with every job of the same size: a team's next job gets a number one
above its last waiting one, but none below the number being served now. So a team that inserts 10,000 jobs gets 10,000
numbers, and another team's first job one near the head of the line. The number is set once, at insert: claiming stays
one look at one index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import lru_cache

from django.db import connection, transaction
from django.db.models import F, Min
from django.db.models.functions import Now

from jobs_app.models import Job
from pdfservice.lib.statements import BLANK_KEY, Statement, compiled, in_index_order, run

# A job that waited this long climbs one priority, and again after the same time, so that nothing starves.
CLIMB_AFTER = timedelta(minutes=5)

# Stands for a priority in what is compiled.
_ANY_PRIORITY = 32_001


def next_turn(*, team_id: int, priority: int) -> int:
    """Return the number of a team's next job at `priority` (1 to 10); of jobs inserted together, that of the first."""
    blanks = {_ANY_PRIORITY: priority, BLANK_KEY: team_id}
    ends = (statement.filled(blanks) for statement in _ends(connection.vendor))
    with transaction.atomic(savepoint=False):
        served, own_last = (answer for answer in run(*in_index_order(*ends)) if answer.returns_rows)
    return max(served.first[0] if served.first else 0, own_last.first[0] + 1 if own_last.first else 0)


@lru_cache
def _ends(vendor: str) -> tuple[Statement, Statement]:
    """Return what asks for the turn being served and for a team's last one: each is the end of a partial index."""
    waiting = Job.objects.claimable().filter(effective_priority=_ANY_PRIORITY)
    own = waiting.filter(team_id=BLANK_KEY).order_by("-team_id", "-effective_priority", "-turn")
    return compiled(waiting.values("turn")[:1]), compiled(own.values("turn")[:1])


def turns_again(jobs: Iterable[Job]) -> Iterator[tuple[Job, int]]:
    """Yield jobs that come back after a failure, each with its new number: behind whoever is being served now.

    A team's get one number each, so that another team's next job waits for one of them at most. None gets a lower
    number than it had.
    """
    last: dict[tuple[int, int], int] = {}
    for job in sorted(jobs, key=lambda job: (job.turn, job.pk)):
        line = (job.team_id, job.effective_priority)
        if line not in last:
            waiting = Job.objects.claimable().order_by().filter(effective_priority=job.effective_priority)
            served = waiting.aggregate(head=Min("turn"))["head"]
            last[line] = served if served is not None else -1
        last[line] = max(job.turn, last[line] + 1)
        yield job, last[line]


def climb(*, limit: int = 500) -> int:
    """Raise the priority of jobs that waited long, at most `limit` of them, and return how many that was.

    A job climbs to the end of its team's line in the higher priority: it overtakes what came after it, not other teams.
    """
    climbed = 0
    ends: dict[tuple[int, int], int] = {}
    with transaction.atomic():
        due = Job.objects.claimable().order_by("climb_at", "id").filter(effective_priority__gt=1, climb_at__lte=Now())
        for job in due.select_for_update(skip_locked=True)[:limit]:
            line = (job.team_id, job.effective_priority - 1)
            turn = ends[line] + 1 if line in ends else next_turn(team_id=job.team_id, priority=line[1])
            ends[line] = turn
            climbed += (
                Job.objects.claimable()
                .filter(pk=job.pk, effective_priority=job.effective_priority)
                .order_by()
                .update(effective_priority=line[1], turn=turn, climb_at=F("climb_at") + CLIMB_AFTER)
            )
    return climbed
