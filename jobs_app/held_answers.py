"""Answers that wait for the end of a job, outside the web threads.

The application answers at once, in its thread, and leaves a `Wish` (jobs_app/prefer.py). The answer is kept here until
the job ends, the time is over, the caller goes away or the process stops. One query a tick, in one thread of its own,
looks after all that wait; the answer is then made by the serializer that made the first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connection
from django.db.models import Q
from rest_framework.renderers import JSONRenderer

from jobs_app.models import Job
from jobs_app.prefer import HOLD, Hold, Wish
from jobs_app.serializers import JobSerializer
from jobs_app.states import FINAL
from pdfservice.lib.lookout import Lookout
from pdfservice.lib.statements import Statement, run

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

TICK_SECONDS = 0.05
# A lone caller's document may be done in 20 ms. So few are looked after more often at first: a look comes late by a
# sixteenth of the wait at most.
_FEW = 4
_SHORTEST_TICK_SECONDS = 0.003
_SHARE_OF_WAIT = 1 / 16
# A look that takes longer than this past a caller's time is not waited for: the first answer goes out.
_PATIENCE_SECONDS = 2.0
_stopping = threading.Event()


def release_all() -> None:
    """Send out every answer that is held, and hold none from now on: the process is asked to stop."""
    _stopping.set()


@dataclass(frozen=True, slots=True)
class Shown:
    """A job as it stands, in its representation."""

    data: Mapping[str, Any]
    is_final: bool


@dataclass(eq=False, slots=True)
class Waiter:
    """One held answer: since and until when, by the loop's clock, and what comes of it (None: nothing new is known)."""

    wish: Wish
    since: float
    until: float
    shown: asyncio.Future[Shown | None]
    messages: list[Message] = field(default_factory=list)


class HeldAnswers:
    """An ASGI application around another, whose answers it holds where they ask for it."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._waiters: set[Waiter] = set()
        self._lookout = Lookout(
            "held-answers", every_seconds=self._pause, is_wanted=lambda: bool(self._waiters), rounds=self._look
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        hold = Hold()
        waiter: Waiter | None = None

        async def keep_or_send(message: Message) -> None:
            nonlocal waiter
            if waiter is None and hold.wish is not None and message["type"] == "http.response.start":
                waiter = self._join(hold.wish)
            if waiter is None:
                await send(message)
            else:
                waiter.messages.append(message)

        try:
            await self._application({**scope, HOLD: hold}, receive, keep_or_send)
            if waiter is not None and await self._wait(waiter, receive):
                for message in _answer(waiter):
                    await send(message)
        finally:
            if waiter is not None:
                self._waiters.discard(waiter)

    @property
    def held(self) -> int:
        """How many answers are held now."""
        return len(self._waiters)

    def close(self) -> None:
        """End the thread and its connection."""
        self._lookout.close()

    def _join(self, wish: Wish) -> Waiter | None:
        """Return a place for the answer; None when there is none left, in all or for one team's half."""
        of_teams = Counter(waiter.wish.team_id for waiter in self._waiters)
        share = (settings.MAX_WAITERS + 1) // 2
        if _stopping.is_set() or self.held >= settings.MAX_WAITERS or of_teams[wish.team_id] >= share:
            return None
        loop = asyncio.get_running_loop()
        now = loop.time()
        waiter = Waiter(wish, now, now + wish.seconds, loop.create_future())
        self._waiters.add(waiter)
        self._lookout.wake()
        return waiter

    async def _wait(self, waiter: Waiter, receive: Receive) -> bool:
        """Wait for what comes of a held answer; False when the caller has gone."""
        gone = asyncio.ensure_future(_until_gone(receive))
        left = waiter.until - asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        try:
            awaited: set[asyncio.Future[Any]] = {gone, waiter.shown}
            await asyncio.wait(awaited, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            return not gone.done()
        finally:
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await gone

    def _pause(self) -> float:
        if len(self._waiters) > _FEW:
            return TICK_SECONDS
        youngest = max(waiter.since for waiter in self._waiters)
        waited = asyncio.get_running_loop().time() - youngest
        return min(TICK_SECONDS, max(_SHORTEST_TICK_SECONDS, waited * _SHARE_OF_WAIT))

    async def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        waiting = [waiter for waiter in self._waiters if not waiter.shown.done()]
        over = {waiter for waiter in waiting if waiter.until <= now or _stopping.is_set()}
        ids, ids_over = ({waiter.wish.job_id for waiter in some} for some in (waiting, over))
        found = await self._lookout.ask(_look, ids, ids_over)
        for waiter in waiting:
            shown = found.get(waiter.wish.job_id)
            if not waiter.shown.done() and (waiter in over or (shown is not None and shown.is_final)):
                waiter.shown.set_result(shown)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _look(ids: Collection[UUID], ids_over: Collection[UUID]) -> dict[UUID, Shown]:
    """Return those of the jobs that have ended, and in any state those whose callers' time is over."""
    if not ids:
        return {}
    jobs = Job.objects.filter(Q(external_id__in=ids_over) | Q(status__in=FINAL), external_id__in=ids)
    try:
        if not ids_over and not _has_ended(ids):
            return {}
        return {
            job.external_id: Shown(JobSerializer(job).data, job.is_final)
            for job in jobs.select_related("template_version__template", "output")
        }
    except DatabaseFailure as error:
        logger.error("The database is away, held answers wait for it: %s", error)
        return {}


def _has_ended(ids: Collection[UUID]) -> bool:
    """Say whether one of the jobs has: by far the most looks end here, so it is a cheap question."""
    column, places = Job._meta.get_field("external_id"), ", ".join(["%s"] * len(ids))
    ended = ", ".join(f"'{status}'" for status in FINAL)
    sql = f"SELECT 1 FROM {Job._meta.db_table} WHERE external_id IN ({places}) AND status IN ({ended}) LIMIT 1"  # noqa: S608
    [answer] = run(Statement(sql, [column.get_db_prep_value(each, connection) for each in ids]))
    return answer.count > 0


def _answer(waiter: Waiter) -> list[Message]:
    """Return the messages of the answer: the first ones, with what the job has become."""
    start, *rest = waiter.messages
    shown = waiter.shown.result() if waiter.shown.done() else None
    headers = [*start["headers"], (b"preference-applied", f"wait={waiter.wish.seconds}".encode())]
    if shown is None:
        return [{**start, "headers": headers}, *rest]
    body: bytes = JSONRenderer().render({**shown.data, "deduplicated": waiter.wish.deduplicated})
    # Whoever sees the end of the job has no reason to look again.
    stale = {b"content-length", b"retry-after"} if shown.is_final else {b"content-length"}
    headers = [(name, value) for name, value in headers if name.lower() not in stale]
    headers.append((b"content-length", str(len(body)).encode()))
    return [{**start, "headers": headers}, {"type": "http.response.body", "body": body}]
