"""Minutes in the database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Count
from django.db.models.functions import Greatest
from django.utils import timezone

from jobs_app.figures import spread
from jobs_app.figures.happenings import Happening
from jobs_app.figures.minutes import COUNTS, Minute, counted, minute_of, moment_of
from jobs_app.models import Job, MinuteFigures

KEPT = timedelta(hours=3)
# How many documents a team has made in all, among the counters of the metrics.
MADE = "team_documents"


def fold(happenings: Iterable[Happening]) -> None:
    """Add events to the rows of their minutes, in the transaction that marks them as counted."""
    minutes: dict[tuple[int, str, int], Minute] = {}
    oldest = minute_of(timezone.now() - KEPT)
    for place, happening in counted(happenings):
        if place[2] >= oldest:
            minutes.setdefault(place, Minute()).add(happening)
    for (team_id, template, number), minute in sorted(minutes.items()):
        row, _ = MinuteFigures.objects.get_or_create(team_id=team_id, template=template, minute=moment_of(number))
        changes: dict[str, Any] = {name: getattr(row, name) + getattr(minute, name) for name in COUNTS}
        changes["waits"] = spread.merge((row.waits, minute.waits))
        changes["renders"] = spread.merge((row.renders, minute.renders))
        # Not `depth`, which somebody else may be writing.
        MinuteFigures.objects.filter(pk=row.pk).update(**changes)


def read(*, minutes: int) -> dict[tuple[int, str, int], Minute]:
    """Return the minutes of the last so many, by team, template and number."""
    since = moment_of(minute_of(timezone.now()) - minutes + 1)
    return {
        (row.team_id, row.template, minute_of(row.minute)): Minute(
            **{name: getattr(row, name) for name in COUNTS}, depth=row.depth, waits=row.waits, renders=row.renders
        )
        for row in MinuteFigures.objects.filter(minute__gte=since)
    }


def sample_depths() -> int:
    """Note how many jobs of each team wait, as far as it is more than was noted this minute; return for how many."""
    waiting = Job.objects.claimable().order_by().values("team_id").annotate(depth=Count("pk"))
    minute = moment_of(minute_of(timezone.now()))
    found = list(waiting.values_list("team_id", "depth"))
    for team_id, depth in found:
        row, _ = MinuteFigures.objects.get_or_create(team_id=team_id, template="", minute=minute)
        MinuteFigures.objects.filter(pk=row.pk).update(depth=Greatest("depth", depth))
    return len(found)


def forget_old() -> int:
    """Delete the minutes that nobody looks at any more."""
    deleted, _ = MinuteFigures.objects.filter(minute__lt=timezone.now() - KEPT).delete()
    return deleted
