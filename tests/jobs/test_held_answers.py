"""Answers that wait for the end of a job, over ASGI and on the real database; tests/processes has the real server."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import LazySettings
from django.db import OperationalError, connections

from jobs_app import held_answers, transitions
from jobs_app.held_answers import HeldAnswers
from jobs_app.models import Job
from jobs_app.prefer import HOLD, Wish
from jobs_app.serializers import JobSerializer
from tests.conftest import Member
from tests.jobs.conftest import Submit

pytestmark = pytest.mark.django_db(transaction=True)
FIRST = b'{"the": "first answer"}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"23"), (b"retry-after", b"1"), (b"x", b"kept")]


@dataclass
class Caller:
    """One request: what it got, and a way for it to leave."""

    wish: Wish | None
    left: asyncio.Event = field(default_factory=asyncio.Event)
    got: list[Any] = field(default_factory=list)

    async def receive(self) -> Any:
        """Say that the body is complete, then wait until the caller leaves."""
        if not self.got and not self.left.is_set() and not hasattr(self, "_read"):
            self._read = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Take a message."""
        self.got.append(message)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {name.decode(): value.decode() for name, value in self.got[0]["headers"]}

    @property
    def body(self) -> bytes:
        """The body of the answer."""
        return b"".join(message.get("body", b"") for message in self.got[1:])

    @property
    def job(self) -> dict[str, Any]:
        """The job that the answer shows."""
        assert self.headers["content-length"] == str(len(self.body))
        shown: dict[str, Any] = json.loads(self.body)
        return shown


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer at once, with the wish that the request brought."""
    scope[HOLD].wish = scope["wish"]
    await send({"type": "http.response.start", "status": 202, "headers": HEADERS})
    await send({"type": "http.response.body", "body": FIRST, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def held() -> Iterator[HeldAnswers]:
    """The ASGI side."""
    made = HeldAnswers(application)
    yield made
    made.close()
    held_answers._stopping.clear()


def wish_for(job: Job, seconds: int = 25, *, team_id: int | None = None, deduplicated: bool = False) -> Wish:
    """Return the wish to wait for `job`."""
    return Wish(job.external_id, job.team_id if team_id is None else team_id, seconds, deduplicated)


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a scene, which must be over in time."""
    asyncio.run(asyncio.wait_for(scene(), 20))


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds."""
    while not condition():
        await asyncio.sleep(0.01)


@asynccontextmanager
async def asking(held: HeldAnswers, *callers: Caller) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Let the callers ask, all at once; what they ask has to be over at the end."""
    tasks = [
        asyncio.create_task(held({"type": "http", "wish": each.wish}, each.receive, each.send)) for each in callers
    ]
    yield tasks
    await asyncio.gather(*tasks)


def apart(function: Callable[[], Any]) -> Awaitable[Any]:
    """Run something on the database beside the loop."""

    def run() -> Any:
        try:
            return function()
        finally:
            connections.close_all()

    return sync_to_async(run, thread_sensitive=False)()


def test_the_answer_comes_when_the_job_ends_and_shows_how(held: HeldAnswers, submit: Submit) -> None:
    job = submit()

    async def scene() -> None:
        first, second = Caller(wish_for(job)), Caller(wish_for(job, 20, deduplicated=True))
        async with asking(held, first, second):
            await until(lambda: held.held == 2)
            assert first.got == second.got == []
            await apart(lambda: transitions.cancel(job, actor="test"))
        for caller, seconds, deduplicated in ((first, 25, False), (second, 20, True)):
            assert caller.got[0]["status"] == 202
            assert (caller.job["id"], caller.job["status"]) == (str(job.external_id), "cancelled")
            assert caller.job["deduplicated"] is deduplicated
            assert caller.headers["preference-applied"] == f"wait={seconds}"
            assert caller.headers["x"] == "kept"
            assert "retry-after" not in caller.headers
        assert held.held == 0

    play(scene)


def test_when_the_time_is_over_the_answer_shows_where_the_job_stands(
    held: HeldAnswers, submit: Submit, claim: Callable[[], Job]
) -> None:
    job = submit()

    async def scene() -> None:
        caller = Caller(wish_for(job, 1))
        async with asking(held, caller):
            await until(lambda: held.held == 1)
            await apart(claim)
        assert (caller.job["status"], caller.headers["preference-applied"]) == ("processing", "wait=1")
        assert caller.headers["retry-after"] == "1"

    play(scene)


def test_an_answer_that_nobody_wants_held_goes_out_at_once(held: HeldAnswers) -> None:
    async def scene() -> None:
        caller = Caller(None)
        async with asking(held, caller):
            pass
        assert (caller.body, dict(caller.headers)["x"]) == (FIRST, "kept")
        assert "preference-applied" not in caller.headers

    play(scene)


def test_above_the_bound_the_answer_comes_at_once_and_says_nothing_of_waiting(
    held: HeldAnswers, submit: Submit, charlie: Member, settings: LazySettings
) -> None:
    settings.MAX_WAITERS = 2
    job = submit()

    async def scene() -> None:
        waiting = [Caller(wish_for(job)), Caller(wish_for(job, team_id=charlie.team.pk))]
        async with asking(held, *waiting):
            await until(lambda: held.held == 2)
            late = Caller(wish_for(job, team_id=-1))
            async with asking(held, late):
                pass
            assert late.body == FIRST
            assert "preference-applied" not in late.headers
            await apart(lambda: transitions.cancel(job, actor="test"))
        assert all("preference-applied" in caller.headers for caller in waiting)

    play(scene)


def test_one_team_takes_at_most_half_of_the_places(held: HeldAnswers, submit: Submit, settings: LazySettings) -> None:
    settings.MAX_WAITERS = 4
    job = submit()

    async def scene() -> None:
        callers = [Caller(wish_for(job)) for _ in range(3)]
        async with asking(held, *callers):
            await until(lambda: held.held == 2)
            assert sorted(len(caller.got) for caller in callers) == [0, 0, 3]
            other = Caller(wish_for(job, team_id=-1))
            async with asking(held, other):
                await until(lambda: held.held == 3)
                await apart(lambda: transitions.cancel(job, actor="test"))

    play(scene)


def test_with_no_places_nothing_is_held(held: HeldAnswers, submit: Submit, settings: LazySettings) -> None:
    settings.MAX_WAITERS = 0
    wish = wish_for(submit())

    async def scene() -> None:
        caller = Caller(wish)
        async with asking(held, caller):
            pass
        assert caller.body == FIRST

    play(scene)


def test_a_caller_who_goes_away_frees_the_place(held: HeldAnswers, submit: Submit) -> None:
    job = submit()

    async def scene() -> None:
        caller = Caller(wish_for(job))
        async with asking(held, caller):
            await until(lambda: held.held == 1)
            caller.left.set()
        assert (held.held, caller.got) == (0, [])

    play(scene)


def test_a_process_that_stops_lets_all_of_them_go_and_holds_no_more(held: HeldAnswers, submit: Submit) -> None:
    job = submit()

    async def scene() -> None:
        callers = [Caller(wish_for(job)) for _ in range(3)]
        async with asking(held, *callers):
            await until(lambda: held.held == 3)
            held_answers.release_all()
        assert {caller.job["status"] for caller in callers} == {"queued"}
        late = Caller(wish_for(job))
        async with asking(held, late):
            pass
        assert late.body == FIRST

    play(scene)


def test_one_look_serves_all_who_wait(held: HeldAnswers, submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [submit(), submit()]
    looks: list[tuple[int, str]] = []
    real = held_answers._look

    def look(ids: Any, over: Any) -> Any:
        looks.append((len(ids), threading.current_thread().name))
        return real(ids, over)

    monkeypatch.setattr(held_answers, "_look", look)

    async def scene() -> None:
        callers = [Caller(wish_for(job)) for job in jobs for _ in range(10)]
        async with asking(held, *callers):
            await until(lambda: held.held == 20)
            looks.clear()
            await until(lambda: len(looks) > 2)
            for job in jobs:
                await apart(lambda job=job: transitions.cancel(job, actor="test"))  # type: ignore[misc]
        assert {caller.job["status"] for caller in callers} == {"cancelled"}

    play(scene)
    assert looks[0][0] == 2
    assert len({thread for _, thread in looks}) == 1


def test_while_the_database_is_away_those_who_wait_go_on_waiting(
    held: HeldAnswers, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit()
    away = threading.Event()
    missed: list[int] = []
    real = JobSerializer

    def serializer(job: Job) -> Any:
        if away.is_set():
            missed.append(1)
            raise OperationalError("the connection was closed")
        return real(job)

    monkeypatch.setattr(held_answers, "JobSerializer", serializer)

    async def scene() -> None:
        caller = Caller(wish_for(job))
        away.set()
        async with asking(held, caller):
            await until(lambda: held.held == 1)
            await apart(lambda: transitions.cancel(job, actor="test"))
            await until(lambda: len(missed) > 1)
            away.clear()
        assert caller.job["status"] == "cancelled"

    play(scene)


def test_a_job_that_cannot_be_looked_at_in_time_gets_its_first_answer(
    held: HeldAnswers, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = wish_for(submit(), 1)
    monkeypatch.setattr(held_answers, "_look", lambda ids, over: {})

    async def scene() -> None:
        caller = Caller(wish)
        async with asking(held, caller):
            pass
        assert (caller.body, caller.headers["preference-applied"]) == (FIRST, "wait=1")
        assert caller.headers["content-length"] == str(len(FIRST))

    play(scene)
