"""Reads the audit log as it grows: each event once, although PostgreSQL shows ids out of order."""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Sequence

from jobs_app.figures.happenings import Happening, Label, Row, labelled, rows_of
from jobs_app.metrics.fold import SETTLED_AFTER
from pdfservice.teams.models import AuditEvent

AT_ONCE = 2_000
# What a client that was away may ask for again without a query.
REMEMBERED = 5_000
_MOST_MISSING = 5_000
_MOST_LABELS = 20_000


class Tail:
    """A place in the audit log.

    Ids are given out before their rows are visible. So an id that was jumped over is asked for again until no
    transaction of ours can still hold it (the safety window); `floor` is the id up to which none is missing. `position`
    counts what has come into sight, in the order in which it did.
    """

    def __init__(self, after: int, position: int = 0) -> None:
        self._last = after
        self._missing: dict[int, float] = {}
        self._labels: dict[uuid.UUID, Label] = {}
        self._recent: deque[Happening] = deque(maxlen=REMEMBERED)
        self._remembered_from = after
        self.position = position

    @property
    def floor(self) -> int:
        """The id up to which every event has been read."""
        return min(self._missing) - 1 if self._missing else self._last

    def read(self) -> list[Happening]:
        """Return the events that have come into sight, oldest first."""
        found: list[Row] = self._late()
        while True:
            rows = rows_of(AuditEvent.objects.filter(pk__gt=self._last).order_by("pk")[:AT_ONCE])
            self._note_gaps([row[0] for row in rows])
            found += rows
            if len(rows) < AT_ONCE:
                break
        if len(self._labels) > _MOST_LABELS:
            self._labels.clear()
        fresh = labelled(found, self._labels)
        self._remember(fresh)
        return fresh

    def since(self, floor: int) -> list[Happening] | None:
        """Return what is remembered of the events above `floor`; None when it reaches further back than that."""
        if floor < self._remembered_from:
            return None
        return [each for each in self._recent if each.id > floor]

    def news(self, position: int) -> list[Happening] | None:
        """Return what came into sight since `position` was what it was; None when not all of it is remembered."""
        new = self.position - position
        if not 0 <= new <= len(self._recent):
            return None
        return list(self._recent)[len(self._recent) - new :]

    def _late(self) -> list[Row]:
        given_up = time.monotonic() - SETTLED_AFTER.total_seconds()
        self._missing = {number: since for number, since in self._missing.items() if since > given_up}
        if not self._missing:
            return []
        rows = rows_of(AuditEvent.objects.filter(pk__in=sorted(self._missing)[:AT_ONCE]).order_by("pk"))
        for row in rows:
            del self._missing[row[0]]
        return rows

    def _note_gaps(self, ids: Sequence[int]) -> None:
        now = time.monotonic()
        for number in ids:
            for skipped in range(max(self._last + 1, number - _MOST_MISSING), number):
                self._missing[skipped] = now
            self._last = number

    def _remember(self, fresh: Sequence[Happening]) -> None:
        for each in fresh:
            if len(self._recent) == REMEMBERED:
                # The oldest is about to leave: whoever stands below it has missed something.
                self._remembered_from = max(self._remembered_from, self._recent[0].id)
            self._recent.append(each)
        self.position += len(fresh)
