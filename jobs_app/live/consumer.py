"""`WS /ws/dashboard/`: one socket. It reads nothing from its page, and never asks the database itself."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any
from urllib.parse import parse_qs

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseFailure

from jobs_app.live import feed as feeds
from jobs_app.live.origins import may_connect
from jobs_app.live.seats import Seat

# Close codes that the page knows (static/pdfservice/dashboard/socket.js): sign in again, come back later, be quiet.
NOT_ALLOWED, BUSY, TOO_CHATTY = 4403, 4429, 4400
_LONGEST_SEND_SECONDS = 30.0


class DashboardConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels publishes no types
    """A dashboard that is open. Slow ones are not waited for: what they miss they get as one message, later."""

    _seat: Seat | None = None
    _number = 0
    _floor = 0

    async def connect(self) -> None:
        """Let members of the team in, who come from a page of ours."""
        if not may_connect(dict(self.scope["headers"])):
            await self.close()
            return
        asked = parse_qs(self.scope["query_string"].decode("latin-1"))
        await self.accept()
        cookies = dict(self.scope["headers"]).get(b"cookie", b"").decode("latin-1")
        try:
            self._seat = await feeds.feed.admit(cookies, asked.get("team", [""])[0])
            if self._seat is None:
                await self.close(NOT_ALLOWED)
                return
            if not feeds.feed.has_room_for(self._seat):
                await self.close(BUSY)
                return
            self._floor = _number(asked.get("after", ["0"])[0])
            hello = await feeds.feed.join(self.channel_name, self._seat, self._floor)
        except DatabaseFailure:
            await self.close(BUSY)
            return
        self._number = hello.number
        await self._send(hello.text)

    async def disconnect(self, code: int) -> None:
        """Leave."""
        await feeds.feed.leave(self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Hang up: a page of ours says nothing."""
        await self.close(TOO_CHATTY)

    async def live_news(self, message: dict[str, Any]) -> None:
        """Pass on what happened."""
        number = message["number"]
        if self._seat is None or number <= self._number:
            return  # the greeting told it already
        if number > self._number + 1:
            # The channel was full while this socket was slow: all at once, and then on from there.
            hello = await feeds.feed.catch_up(self._seat, self._floor)
            self._number = hello.number
            await self._send(hello.text)
            return
        self._number = number
        await self._send(message["text"])

    async def live_away(self, message: dict[str, Any]) -> None:
        """Say that the numbers stand still."""
        await self._send('{"type":"away"}')

    async def live_over(self, message: dict[str, Any]) -> None:
        """Hang up: signed out, or not a member any more."""
        await feeds.feed.leave(self.channel_name)
        await self.close(NOT_ALLOWED)

    async def _send(self, text: str) -> None:
        try:
            async with asyncio.timeout(_LONGEST_SEND_SECONDS):
                await self.send(text)
        except TimeoutError:
            # Nobody reads at the other end: the page that still lives there will come back by itself.
            await feeds.feed.leave(self.channel_name)
            with contextlib.suppress(Exception):
                await self.close(BUSY)
            raise StopConsumer from None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
