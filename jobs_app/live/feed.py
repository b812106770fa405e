"""The tailer of a web process: one look for all open sockets, fanned out over the channel layer."""

from __future__ import annotations

import logging
import time
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import Error as DatabaseFailure

from jobs_app.live.board import Board, board
from jobs_app.live.desk import Desk, Message
from jobs_app.live.seats import Seat, ViewKey, seat_for, seats_lost
from pdfservice.lib.lookout import Lookout

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.5
CHECK_SEATS_EVERY_SECONDS = 60.0


class Feed:
    """The open sockets of this process, by the name of their channel. Lives in the event loop."""

    def __init__(self, board: Board) -> None:
        self._desk = Desk(board)
        self._seats: dict[str, Seat] = {}
        self._check_at = 0.0
        self._is_away = False
        self._lookout = Lookout(
            "live", every_seconds=TICK_SECONDS, is_wanted=lambda: bool(self._seats), rounds=self._rounds
        )

    def has_room_for(self, seat: Seat) -> bool:
        """Say whether this process may serve one socket more; no one person takes more than an eighth of them."""
        own = sum(each.user_id == seat.user_id for each in self._seats.values())
        most: int = settings.MAX_DASHBOARDS
        return len(self._seats) < most and own < max(1, most // 8)

    async def admit(self, cookies: str, slug: str) -> Seat | None:
        """Return the seat of whoever comes; None for somebody who may not look. Raises a database error."""
        return await self._lookout.ask(seat_for, cookies, slug)

    async def join(self, channel: str, seat: Seat, after: int) -> Message:
        """Send a socket all news from now on, and return what it has to know before."""
        if not self._seats:
            self._check_at = time.monotonic() + CHECK_SEATS_EVERY_SECONDS
        self._seats[channel] = seat
        await _layer().group_add(_group(seat.key), channel)
        self._lookout.wake()
        return await self.catch_up(seat, after)

    async def catch_up(self, seat: Seat, after: int) -> Message:
        """Return everything anew for a socket that knows the events up to `after`."""
        return await self._lookout.ask(self._desk.hello, seat.key, after)

    async def leave(self, channel: str) -> None:
        """Send a socket nothing any more."""
        if seat := self._seats.pop(channel, None):
            await _layer().group_discard(_group(seat.key), channel)

    def close(self) -> None:
        """End the thread and its connection."""
        self._lookout.close()

    async def _rounds(self) -> None:
        keys = {seat.key for seat in self._seats.values()}
        try:
            news = await self._lookout.ask(self._desk.news, keys)
            await self._check_seats()
        except DatabaseFailure as error:
            await self._tell_away(keys, error)
            return
        self._is_away = False
        for key, messages in news.items():
            for each in messages:
                message = {"type": "live.news", "number": each.number, "text": each.text}
                await _layer().group_send(_group(key), message)

    async def _check_seats(self) -> None:
        if time.monotonic() < self._check_at:
            return
        self._check_at = time.monotonic() + CHECK_SEATS_EVERY_SECONDS
        for channel in await self._lookout.ask(seats_lost, dict(self._seats)):
            await _layer().send(channel, {"type": "live.over"})

    async def _tell_away(self, keys: set[ViewKey], error: DatabaseFailure) -> None:
        if not self._is_away:
            logger.error("The database is away, dashboards stand still: %s", error)
        self._is_away = True
        for key in keys:
            await _layer().group_send(_group(key), {"type": "live.away"})


def _group(key: ViewKey) -> str:
    team_id, is_staff = key
    return f"live.{'all' if team_id is None else team_id}{'.staff' if is_staff else ''}"


def _layer() -> Any:
    return get_channel_layer()


feed = Feed(board)
