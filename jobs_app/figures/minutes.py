"""Minutes in memory: what an event adds to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from jobs_app.figures import spread
from jobs_app.figures.happenings import Happening

COUNTS = ("accepted", "done", "failed", "cancelled", "pages")
_COUNTED = {
    "job.queued": "accepted",
    "job.done": "done",
    "job.failed": "failed",
    "job.cancelled": "cancelled",
}


@dataclass(slots=True)
class Minute:
    """What happened within a minute, or within several that were added up."""

    accepted: int = 0
    done: int = 0
    failed: int = 0
    cancelled: int = 0
    pages: int = 0
    depth: int = 0
    waits: spread.Spread = field(default_factory=dict)
    renders: spread.Spread = field(default_factory=dict)

    def add(self, happening: Happening) -> None:
        """Add what one event tells."""
        if name := _COUNTED.get(happening.action):
            setattr(self, name, getattr(self, name) + 1)
        data = happening.data
        if happening.action == "job.done" and isinstance(pages := data.get("pages"), int):
            self.pages += pages
        if happening.action == "job.processing" and isinstance(waited := data.get("waited_ms"), int):
            spread.observe(self.waits, waited)
        if isinstance(rendered := data.get("render_ms"), int):
            spread.observe(self.renders, rendered)


def total(minutes: Iterable[Minute]) -> Minute:
    """Add minutes up; the depth is the greatest of theirs."""
    found = list(minutes)
    counts = {name: sum(getattr(each, name) for each in found) for name in COUNTS}
    return Minute(
        **counts,
        depth=max((each.depth for each in found), default=0),
        waits=spread.merge(each.waits for each in found),
        renders=spread.merge(each.renders for each in found),
    )


def minute_of(moment: datetime) -> int:
    """Return the number of a moment's minute, counted from 1970."""
    return int(moment.timestamp() // 60)


def moment_of(minute: int) -> datetime:
    """Return when a minute began."""
    return datetime.fromtimestamp(minute * 60, UTC)


def counted(happenings: Iterable[Happening]) -> Iterator[tuple[tuple[int, str, int], Happening]]:
    """Yield what figures count, each with its place: team, template, minute."""
    for happening in happenings:
        if happening.is_shown and happening.label is not None and happening.team_id is not None:
            yield (happening.team_id, happening.label.template, minute_of(happening.at)), happening
