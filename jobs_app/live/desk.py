"""What the one thread does for all sockets: look, compare with what was sent, and write what they are to be sent."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jobs_app.figures.happenings import Happening, happenings
from jobs_app.live.board import Board
from jobs_app.live.seats import ViewKey
from jobs_app.live.shapes import View, changes, event_of
from pdfservice.teams.models import AuditEvent

# Of one message; more become several.
EVENTS_AT_ONCE = 500
# A socket that hears nothing for so long is taken for dead by its page.
STILL_HERE_EVERY_SECONDS = 5.0
# Somebody who was away for more than this begins anew instead.
MOST_MISSED = 2_000
_SHOWN_ANEW = 240


@dataclass(frozen=True, slots=True)
class Message:
    """One message to all who see the same. Numbers go up by one: a socket that sees a gap was too slow."""

    number: int
    text: str


@dataclass(slots=True)
class _Sent:
    view: View
    number: int
    position: int
    sent_at: float


class Desk:
    """Lives in one thread; only `board` is shared with others."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._sent: dict[ViewKey, _Sent] = {}

    def news(self, keys: Collection[ViewKey]) -> dict[ViewKey, list[Message]]:
        """Return what is new for those who see `keys`; raises a database error."""
        self._board.look()
        self._sent = {key: sent for key, sent in self._sent.items() if key in keys}
        return {key: list(self._messages(key)) for key in keys}

    def hello(self, key: ViewKey, after: int) -> Message:
        """Return everything that a page needs which knows the events up to `after`, and the number it goes on from."""
        sent = self._sent.get(key)
        if sent is None:
            self._board.look(max_age_seconds=1.0)
            sent = self._begin(key)
        floor = self._board.floor
        missed = self._missed(key, after)
        body = {
            "type": "hello",
            "view": sent.view,
            "floor": floor,
            # More was missed than is sent: the page says so instead of pretending.
            "is_anew": missed is None,
            "events": self._shapes(key, self._latest(key) if missed is None else missed),
        }
        return Message(sent.number, _text(body))

    def _begin(self, key: ViewKey) -> _Sent:
        view = self._board.view(key[0], is_staff=key[1])
        self._sent[key] = sent = _Sent(view, 0, self._board.news(0).position, time.monotonic())
        return sent

    def _messages(self, key: ViewKey) -> Iterator[Message]:
        sent = self._sent.get(key) or self._begin(key)
        fresh = self._board.news(sent.position)
        sent.position = fresh.position
        if fresh.events is None:
            # Nobody looked for so long that memory has moved on: a gap in the numbers makes sockets ask again.
            sent.number += 1
        view = self._board.view(key[0], is_staff=key[1])
        differs = changes(sent.view, view)
        events = self._shapes(key, fresh.events or [])
        is_due = time.monotonic() - sent.sent_at >= STILL_HERE_EVERY_SECONDS
        sent.view = view
        if not (differs or events or is_due or fresh.events is None):
            return
        sent.sent_at = time.monotonic()
        for chunk in _chunks(events):
            sent.number += 1
            body = {"type": "news", "changes": differs, "events": chunk, "floor": fresh.floor}
            yield Message(sent.number, _text(body))
            differs = {}

    def _missed(self, key: ViewKey, after: int) -> list[Happening] | None:
        remembered = self._board.since(after)
        if remembered is not None:
            return remembered
        events = _of(key).filter(pk__gt=after).order_by("pk")[: MOST_MISSED + 1]
        found = happenings(events)
        return None if len(found) > MOST_MISSED else found

    def _latest(self, key: ViewKey) -> list[Happening]:
        return list(reversed(happenings(_of(key).order_by("-pk")[:_SHOWN_ANEW])))

    def _shapes(self, key: ViewKey, found: Iterable[Happening]) -> list[dict[str, Any]]:
        team_id = key[0]
        names = self._board.teams if team_id is None else None
        own = (each for each in found if each.is_shown and team_id in (None, each.team_id))
        return [event_of(each, teams=names) for each in own]


def _of(key: ViewKey) -> Any:
    return AuditEvent.objects.all() if key[0] is None else AuditEvent.objects.filter(team_id=key[0])


def _chunks(events: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    yield events[:EVENTS_AT_ONCE]
    for start in range(EVENTS_AT_ONCE, len(events), EVENTS_AT_ONCE):
        yield events[start : start + EVENTS_AT_ONCE]


def _text(body: dict[str, Any]) -> str:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)
