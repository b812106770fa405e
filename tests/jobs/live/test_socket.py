"""`WS /ws/dashboard/`, over ASGI and on the real database; tests/browser has the real server and a real browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.layers import channel_layers
from django.conf import LazySettings
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from jobs_app import executor
from jobs_app.live import consumer, desk
from jobs_app.live import feed as feeds
from jobs_app.live.board import board
from jobs_app.live.feed import Feed
from jobs_app.models import Job
from pdfservice.asgi import application
from pdfservice.teams.models import Membership, Team, User
from pdfservice.teams.scopes import Role
from tests.conftest import Member
from tests.jobs.conftest import Submit

pytestmark = pytest.mark.django_db(transaction=True)
ORIGIN = "http://localhost:8000"


@pytest.fixture(autouse=True)
def fresh_feed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Feed]:
    """A feed of this test's own, which looks often."""
    channel_layers.backends.clear()
    monkeypatch.setattr(feeds, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(desk, "STILL_HERE_EVERY_SECONDS", 1000.0)  # silence is silence here
    made = Feed(board)
    monkeypatch.setattr(feeds, "feed", made)
    yield made
    made.close()


def cookie_of(member: Member | Any) -> str:
    """Return the session cookie of a member's browser."""
    client = member.browser if isinstance(member, Member) else member
    return f"sessionid={client.cookies['sessionid'].value}"


class Wire(ApplicationCommunicator):
    """A WebSocket over ASGI. (Channels has one of these too, which needs a server that we do not.)"""

    def __init__(self, path: str, query: str, headers: list[tuple[bytes, bytes]]) -> None:
        scope = {"type": "websocket", "path": path, "query_string": query.encode(), "headers": headers}
        super().__init__(application, {**scope, "subprotocols": []})  # type: ignore[no-untyped-call]

    async def connect(self) -> tuple[bool, int | None]:
        """Ask for the handshake; return whether it was granted, or with which code it was not."""
        await self.send_input({"type": "websocket.connect"})  # type: ignore[no-untyped-call]
        answer = await self.receive_output(timeout=15)  # type: ignore[no-untyped-call]
        return answer["type"] == "websocket.accept", answer.get("code")

    async def text(self) -> str:
        """Return the next message."""
        message = await self.receive_output(timeout=15)  # type: ignore[no-untyped-call]
        assert message["type"] == "websocket.send", message
        return str(message["text"])

    async def closed(self) -> int:
        """Return with which code the server hangs up, now."""
        message = await self.receive_output(timeout=15)  # type: ignore[no-untyped-call]
        assert message["type"] == "websocket.close", message
        return int(message["code"])

    async def is_quiet(self, seconds: float) -> bool:
        """Say whether nothing comes for so long."""
        return bool(await self.receive_nothing(timeout=seconds, interval=0.02))  # type: ignore[no-untyped-call]

    async def say(self, text: str) -> None:
        """Send a message."""
        await self.send_input({"type": "websocket.receive", "text": text})  # type: ignore[no-untyped-call]

    async def disconnect(self) -> None:
        """Hang up."""
        await self.send_input({"type": "websocket.disconnect", "code": 1000})  # type: ignore[no-untyped-call]
        await self.wait(timeout=15)  # type: ignore[no-untyped-call]


class Socket:
    """One open dashboard."""

    def __init__(self, cookie: str, query: str = "", origin: str | None = ORIGIN, host: str = "localhost:8000") -> None:
        headers = [(b"host", host.encode()), (b"cookie", cookie.encode())]
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        self.wire = Wire("/ws/dashboard/", query, headers)
        self.hello: dict[str, Any] = {}
        self.view: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.floor = 0

    async def open(self) -> Socket:
        """Connect and take the greeting."""
        is_open, _ = await self.wire.connect()
        assert is_open
        self.hello = await self.take()
        assert self.hello["type"] == "hello"
        return self

    async def take(self) -> dict[str, Any]:
        """Take one message."""
        message: dict[str, Any] = json.loads(await self.wire.text())
        self.floor = message.get("floor", self.floor)
        self.events += message.get("events", [])
        if "view" in message:
            self.view = message["view"]
        for section, values in message.get("changes", {}).items():
            self.view.setdefault(section, {}).update(values)
        return message

    async def until(self, condition: Callable[[], bool]) -> None:
        """Take messages until the condition holds."""
        while not condition():
            await self.take()

    @property
    def actions(self) -> list[str]:
        """What happened, in the order in which it was told."""
        return [event["action"] for event in self.events]


@asynccontextmanager
async def sockets(*wanted: Socket) -> AsyncIterator[None]:
    """Open sockets, and close them in the end."""
    for each in wanted:
        await each.open()
    try:
        yield
    finally:
        for each in wanted:
            await each.wire.disconnect()


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a scene, which must be over in time."""
    asyncio.run(asyncio.wait_for(scene(), 60))


async def close_code(socket: Socket) -> int:
    """Connect and return with which code the server hangs up."""
    is_open, code = await socket.wire.connect()
    if not is_open:
        return int(code or 0)
    return await socket.wire.closed()


in_thread = sync_to_async(thread_sensitive=False)


def perform(job: Job) -> None:
    """Make a document, in a thread whose connection is closed afterwards."""
    executor.perform(job)
    connections.close_all()


def test_numbers_and_events_come_while_jobs_run(submit: Submit, claim: Callable[[], Job], alice: Member) -> None:
    submit()
    cookie = cookie_of(alice)

    async def scene() -> None:
        socket = Socket(cookie)
        async with sockets(socket):
            assert socket.view["now"]["waiting"] == 1
            job = await in_thread(_closing(claim))()
            await in_thread(perform)(job)
            await socket.until(lambda: socket.view["now"]["done"] == 1 and socket.view["now"]["waiting"] == 0)
            assert socket.actions[-2:] == ["job.processing", "job.done"]
            assert socket.view["now"]["made"] == 1
            assert {event["template"] for event in socket.events} == {"letter"}

    play(scene)


def _closing(function: Callable[..., Any]) -> Callable[..., Any]:
    def called(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        finally:
            connections.close_all()

    return called


def test_only_what_changed_travels(submit: Submit, alice: Member) -> None:
    cookie = cookie_of(alice)

    async def scene() -> None:
        socket = Socket(cookie)
        async with sockets(socket):
            await in_thread(_closing(submit))()
            message = await socket.take()
            assert set(message) == {"type", "changes", "events", "floor"}
            assert [event["action"] for event in message["events"]] == ["job.queued"]
            await socket.until(lambda: socket.view["now"]["waiting"] == 1)
            assert "workers" not in message["changes"]
            assert await socket.wire.is_quiet(0.3)

    play(scene)


def test_a_team_hears_nothing_of_another(submit: Submit, alice: Member, charlie: Member) -> None:
    cookies = [cookie_of(alice), cookie_of(charlie)]

    async def scene() -> None:
        own, other = Socket(cookies[0]), Socket(cookies[1])
        async with sockets(own, other):
            await in_thread(_closing(submit))()
            await own.until(lambda: own.actions == ["job.queued"] and own.view["now"]["waiting"] == 1)
            assert await other.wire.is_quiet(0.5)
            assert other.view["now"]["waiting"] == 0

    play(scene)


def _ids(*all_sockets: Socket) -> set[int]:
    return {event["id"] for socket in all_sockets for event in socket.events}


def test_a_socket_that_was_lost_catches_up_without_missing_or_doubling(submit: Submit, alice: Member) -> None:
    cookie = cookie_of(alice)

    async def scene() -> None:
        first = Socket(cookie)
        async with sockets(first):
            await in_thread(_closing(submit))()
            await first.until(lambda: len(first.events) == 1)
        for _ in range(3):
            await in_thread(_closing(submit))()
        again = Socket(cookie, f"after={first.floor}")
        async with sockets(again):
            # What the first had seen may come again, and the rest in more than one message.
            await again.until(lambda: len(_ids(first, again)) == 4)
            assert len(_ids(again) - _ids(first)) == 3
            assert not again.hello["is_anew"]

    play(scene)


def test_whoever_missed_too_much_is_told_so(submit: Submit, alice: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "MOST_MISSED", 2)
    submit(), submit(), submit()
    cookie = cookie_of(alice)

    async def scene() -> None:
        async with sockets(warm := Socket(cookie)):
            board._state.tail._remembered_from = 10**9  # type: ignore[union-attr]  # memory has moved on
            async with sockets(socket := Socket(cookie, "after=1")):
                assert socket.hello["is_anew"]
                assert socket.actions == ["job.queued"] * 3
            assert warm.hello["type"] == "hello"

    play(scene)


def test_a_slow_socket_is_not_waited_for_and_gets_the_rest_at_once(
    submit: Submit, alice: Member, settings: LazySettings
) -> None:
    layer: dict[str, Any] = settings.CHANNEL_LAYERS["default"]
    settings.CHANNEL_LAYERS = {"default": {**layer, "CONFIG": {**layer["CONFIG"], "capacity": 1}}}
    channel_layers.backends.clear()
    cookie = cookie_of(alice)

    async def scene() -> None:
        slow = Socket(cookie)
        async with sockets(slow):
            gate = asyncio.Event()
            send = consumer.DashboardConsumer.send

            async def sluggish(self: Any, text: str) -> None:
                await gate.wait()
                await send(self, text)

            with pytest.MonkeyPatch.context() as patch:
                # Where nothing more happens, the next sign of life shows that something is missing.
                patch.setattr(desk, "STILL_HERE_EVERY_SECONDS", 0.1)
                patch.setattr(consumer.DashboardConsumer, "send", sluggish)
                for _ in range(6):
                    await in_thread(_closing(submit))()
                    await asyncio.sleep(0.1)  # so that each is a message of its own
                gate.set()
                last = await slow.take()
                while last["type"] != "hello":
                    last = await slow.take()
            assert {event["id"] for event in slow.events} == {event["id"] for event in slow.events + last["events"]}
            await slow.until(lambda: len({event["id"] for event in slow.events}) == 6)

    play(scene)


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "http://localhost:9999", "null", "", None])
def test_pages_of_others_open_no_socket(alice: Member, origin: str | None) -> None:
    cookie = cookie_of(alice)

    async def scene() -> None:
        is_open, _ = await Socket(cookie, origin=origin).wire.connect()
        assert not is_open

    play(scene)


@pytest.mark.parametrize(
    ("origin", "host"), [("http://127.0.0.1:8123", "127.0.0.1:8123"), ("https://localhost", "localhost")]
)
def test_pages_of_the_very_host_open_one(alice: Member, origin: str, host: str) -> None:
    cookie = cookie_of(alice)

    async def scene() -> None:
        async with sockets(Socket(cookie, origin=origin, host=host)):
            pass

    play(scene)


def test_a_host_that_is_not_ours_opens_none(alice: Member) -> None:
    cookie = cookie_of(alice)

    async def scene() -> None:
        stranger = Socket(cookie, origin="http://elsewhere.example", host="elsewhere.example")
        is_open, _ = await stranger.wire.connect()
        assert not is_open

    play(scene)


def test_who_is_not_signed_in_or_no_member_is_turned_away(alice: Member, charlie: Member) -> None:
    cookie = cookie_of(charlie)

    async def scene() -> None:
        for text, query in (("", ""), ("sessionid=wrong", ""), (cookie, "team=acme"), (cookie, "team=*"), ('a="', "")):
            assert await close_code(Socket(text, query)) == consumer.NOT_ALLOWED

    play(scene)


def test_a_superuser_hears_of_all_teams(submit: Submit, client: Any) -> None:
    user = User.objects.create_superuser("sam")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    cookie = cookie_of(client)

    async def scene() -> None:
        async with sockets(socket := Socket(cookie, "team=*")):
            await in_thread(_closing(submit))()
            await socket.until(lambda: socket.actions == ["job.queued"] and socket.view["now"]["waiting"] == 1)
            assert socket.events[0]["team"] == "acme"

    play(scene)


@pytest.mark.parametrize("reason", ["removed", "signed out", "password", "inactive"])
def test_whoever_may_not_look_any_more_is_hung_up_on(alice: Member, bob: Member, reason: str, fresh_feed: Feed) -> None:
    browser = bob.browser
    cookies = [cookie_of(alice), cookie_of(browser)]

    def happen() -> None:
        if reason == "removed":
            Membership.objects.filter(user=bob.user).delete()
        elif reason == "signed out":
            browser.post("/dashboard/sign-out/")
        elif reason == "password":
            bob.user.set_password("another long pass phrase")
            bob.user.save()
        else:
            User.objects.filter(pk=bob.user.pk).update(is_active=False)

    async def scene() -> None:
        stays, goes = Socket(cookies[0]), Socket(cookies[1])
        async with sockets(stays, goes):
            await in_thread(_closing(happen))()
            fresh_feed._check_at = 0.0  # a minute has passed
            assert await goes.wire.closed() == consumer.NOT_ALLOWED
            assert await stays.wire.is_quiet(0.2)
            assert len(fresh_feed._seats) == 1

    play(scene)


def test_a_member_who_moved_to_another_team_is_hung_up_on(bob: Member, umbrella: Team, fresh_feed: Feed) -> None:
    cookie = cookie_of(bob)

    def move() -> None:
        Membership.objects.filter(user=bob.user).delete()
        Membership.objects.create(user=bob.user, team=umbrella, role=Role.ADMIN)

    async def scene() -> None:
        async with sockets(socket := Socket(cookie)):
            await in_thread(_closing(move))()
            fresh_feed._check_at = 0.0
            assert await socket.wire.closed() == consumer.NOT_ALLOWED

    play(scene)


def test_a_page_that_talks_is_hung_up_on(alice: Member) -> None:
    cookie = cookie_of(alice)

    async def scene() -> None:
        async with sockets(socket := Socket(cookie)):
            await socket.wire.say("hello?")
            assert await socket.wire.closed() == consumer.TOO_CHATTY

    play(scene)


@pytest.mark.parametrize(("places", "code"), [(1, consumer.BUSY), (8, None)])
def test_there_are_only_so_many_places(
    alice: Member, bob: Member, settings: LazySettings, places: int, code: int | None
) -> None:
    settings.MAX_DASHBOARDS = places
    cookies = [cookie_of(alice), cookie_of(bob)]

    async def scene() -> None:
        async with sockets(Socket(cookies[0])):
            # An eighth of eight is one: nobody keeps the others out.
            assert await close_code(Socket(cookies[0])) == consumer.BUSY
            if code is None:
                async with sockets(Socket(cookies[1])):
                    pass
            else:
                assert await close_code(Socket(cookies[1])) == code

    play(scene)


def test_a_hundred_dashboards_cost_the_database_what_one_does(
    submit: Submit, alice: Member, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookies = [cookie_of(alice), cookie_of(bob)]
    rounds: list[int] = []
    look = desk.Desk.news

    def counted(self: desk.Desk, keys: Any) -> Any:
        with CaptureQueriesContext(connection) as queries:
            found = look(self, keys)
        rounds.append(len(queries))
        return found

    monkeypatch.setattr(desk.Desk, "news", counted)

    async def most_queries(count: int) -> int:
        """Return how many queries the dearest of some rounds took while so many looked on."""
        many = [Socket(cookies[number % 2], "after=999999999999") for number in range(count)]
        async with sockets(*many):
            await in_thread(_closing(submit))()
            for each in many:
                await each.until(lambda each=each: len(each.events) >= 1)  # type: ignore[misc]
            rounds.clear()
            await in_thread(_closing(submit))()
            for each in many:
                await each.until(lambda each=each: len(each.events) >= 2)  # type: ignore[misc]
            return max(rounds)

    async def scene() -> None:
        alone = await most_queries(1)
        assert 1 <= await most_queries(100) <= max(alone, _MOST_QUERIES)

    play(scene)


# Events, their labels, four that count, two now and then.
_MOST_QUERIES = 8


def test_other_addresses_have_no_socket(alice: Member) -> None:
    async def scene() -> None:
        wire = Wire("/ws/elsewhere/", "", [(b"origin", ORIGIN.encode())])
        is_open, code = await wire.connect()
        assert (is_open, code) == (False, 4404)

    play(scene)
