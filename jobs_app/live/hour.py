"""The last hour in memory: by team and template, by team, and of all."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping

from jobs_app.figures.happenings import Happening
from jobs_app.figures.minutes import Minute, counted, total

MINUTES = 60
# Percentiles tell how it is now, not how it was half an hour ago.
LATELY = 5
MOST_TEMPLATES = 50

# A team and a template; None stands for all.
Place = tuple[int | None, str | None]


class Hour:
    """Minutes by place. A minute is counted from 1970."""

    def __init__(self, stored: Mapping[tuple[int, str, int], Minute]) -> None:
        self._minutes: dict[Place, dict[int, Minute]] = defaultdict(dict)
        for (team_id, template, number), minute in stored.items():
            for place in _places(team_id, template):
                # A sum of its own for each place, each of which grows by itself.
                self._minutes[place][number] = total((self._minutes[place].get(number, Minute()), minute))

    def add(self, happenings: Iterable[Happening]) -> None:
        """Add events."""
        for (team_id, template, number), happening in counted(happenings):
            for place in _places(team_id, template):
                self._minutes[place].setdefault(number, Minute()).add(happening)

    def measured(self, depths: Mapping[int | None, int]) -> None:
        """Note how many jobs wait, by team and in all."""
        for team_id, depth in depths.items():
            minute = self._minutes[team_id, None].setdefault(_now(), Minute())
            minute.depth = max(minute.depth, depth)

    def prune(self) -> None:
        """Forget what is more than an hour ago."""
        oldest = _now() - MINUTES
        for place, minutes in list(self._minutes.items()):
            for number in [number for number in minutes if number <= oldest]:
                del minutes[number]
            if not minutes:
                del self._minutes[place]

    def minutes(self, team_id: int | None) -> dict[int, Minute]:
        """Return the minutes of a team, or of all, in which something happened."""
        return {number: each for number, each in self._minutes.get((team_id, None), {}).items() if number > _oldest()}

    def lately(self, team_id: int | None) -> Minute:
        """Return the last five minutes as one."""
        return total(each for number, each in self.minutes(team_id).items() if number > _now() - LATELY)

    def per_minute(self, team_id: int | None) -> float:
        """Return how many documents were made in the last sixty seconds, as far as minutes tell."""
        minutes = self.minutes(team_id)
        into = time.time() % 60 / 60
        this, last = (minutes.get(_now() - back, Minute()).done for back in (0, 1))
        return this + last * (1 - into)

    def templates(self, team_id: int | None) -> dict[tuple[int, str], Minute]:
        """Return the hour of each template of a team, or of all, the busiest fifty."""
        found = {
            (team, template): total(minutes.values())
            for (team, template), minutes in list(self._minutes.items())
            if team is not None and template and team_id in (None, team)
        }
        busiest = sorted(found, key=lambda place: -found[place].accepted)[:MOST_TEMPLATES]
        return {place: found[place] for place in sorted(busiest)}


def _places(team_id: int, template: str) -> tuple[Place, ...]:
    return (team_id, template), (team_id, None), (None, None)


def _now() -> int:
    return int(time.time() // 60)


def _oldest() -> int:
    return _now() - MINUTES
