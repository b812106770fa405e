"""All that dashboards of this process show: one place that asks the database, however many look at it."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass

from jobs_app.figures import store
from jobs_app.figures.happenings import Happening
from jobs_app.live.counts import Counted, Counts, count_dead, count_now
from jobs_app.live.hour import MINUTES, Hour
from jobs_app.live.shapes import View, view_of
from jobs_app.live.tail import REMEMBERED, Tail
from jobs_app.metrics.fold import folded_to
from jobs_app.models import Counter
from pdfservice.teams.models import AuditEvent, Team

COUNT_EVERY_SECONDS = 1.0
_DEAD_EVERY_SECONDS = 5.0
# A board that nobody looked at for so long begins anew: catching up would cost more.
_FORGOTTEN_AFTER_SECONDS = 60.0
# More events than this between the counters and now are left out of the figures: `maintain` does not run.
_MOST_UNFOLDED = 20_000


@dataclass(slots=True)
class _State:
    tail: Tail
    hour: Hour
    made: Tally[int | None]
    teams: dict[int, str]
    counted: Counted
    dead: Counts
    looked_at: float
    counted_at: float
    dead_at: float


@dataclass(frozen=True, slots=True)
class News:
    """Events that are new to a reader, None when not all of them are remembered; and where the reader stands now."""

    events: list[Happening] | None
    position: int
    floor: int


class Board:
    """Thread-safe. Readers get what is young enough and look again otherwise; the tailer looks twice a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: _State | None = None

    def look(self, *, max_age_seconds: float = 0.0) -> None:
        """Bring everything up to date, unless it is young enough; raises a database error."""
        with self._lock:
            state, now = self._state, time.monotonic()
            if state is None or now - state.looked_at > _FORGOTTEN_AFTER_SECONDS:
                self._state = state = _begin(state)
            elif now - state.looked_at < max_age_seconds:
                return
            fresh = state.tail.read()
            state.hour.add(fresh)
            state.made.update(_made(fresh))
            if now - state.counted_at >= COUNT_EVERY_SECONDS:
                state.counted, state.counted_at = count_now(), now
                state.hour.measured(state.counted.claimable)
                state.hour.prune()
            if now - state.dead_at >= _DEAD_EVERY_SECONDS:
                state.dead, state.dead_at = count_dead(), now
                state.teams = dict(Team.objects.values_list("pk", "slug"))
            state.looked_at = now

    def view(self, team_id: int | None, *, is_staff: bool) -> View:
        """Return what a dashboard of a team, or of all, shows; `look` first."""
        with self._lock:
            state = self._state or _begin(None)
            return view_of(
                team_id,
                is_staff=is_staff,
                hour=state.hour,
                counted=state.counted,
                dead=state.dead,
                made=state.made,
                teams=state.teams,
            )

    @property
    def floor(self) -> int:
        """The id up to which no event is missing."""
        with self._lock:
            return self._state.tail.floor if self._state else 0

    def since(self, floor: int) -> list[Happening] | None:
        """Return what is remembered of the events above `floor`; None when it reaches further back."""
        with self._lock:
            return self._state.tail.since(floor) if self._state else None

    def news(self, position: int) -> News:
        """Return what came into sight since `position`."""
        with self._lock:
            if self._state is None:
                return News(None, position, 0)
            tail = self._state.tail
            return News(tail.news(position), tail.position, tail.floor)

    @property
    def teams(self) -> dict[int, str]:
        """The slugs of all teams."""
        with self._lock:
            return self._state.teams if self._state else {}

    def forget(self) -> None:
        """Begin anew at the next look."""
        with self._lock:
            self._state = None


def _begin(former: _State | None) -> _State:
    while True:
        mark = folded_to()
        stored = store.read(minutes=MINUTES)
        made = _made_before()
        if folded_to() == mark:  # else minutes may hold what the tail would bring once more
            break
    last = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    now = time.monotonic()
    return _State(
        # So far on that no reader of the former tail takes this one for it.
        tail=Tail(max(mark, last - _MOST_UNFOLDED), former.tail.position + REMEMBERED + 1 if former else 0),
        hour=Hour(stored),
        made=made,
        teams=dict(Team.objects.values_list("pk", "slug")),
        counted=count_now(),
        dead=count_dead(),
        looked_at=now,
        counted_at=0.0,
        dead_at=now,
    )


def _made_before() -> Tally[int | None]:
    made: Tally[int | None] = Tally()
    for labels, value in Counter.objects.filter(name=store.MADE).values_list("labels", "value"):
        made[int(json.loads(labels)["team"])] += value
        made[None] += value
    return made


def _made(happenings: Sequence[Happening]) -> Tally[int | None]:
    made: Tally[int | None] = Tally()
    for each in happenings:
        if each.action == "job.done" and each.is_shown:
            made[each.team_id] += 1
            made[None] += 1
    return made


board = Board()
