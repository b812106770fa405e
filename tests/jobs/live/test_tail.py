"""Reading the audit log as it grows: each event once, in whatever order ids become visible."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from jobs_app.live import tail as tails
from jobs_app.live.tail import Tail
from pdfservice.teams import audit
from pdfservice.teams.models import AuditEvent, Team

Queries = Callable[..., CaptureQueriesContext]
pytestmark = pytest.mark.django_db(transaction=True)


def happen(team: Team) -> int:
    """Append an event and return its id."""
    event = audit.record(
        team_id=team.pk, actor="test", action="job.queued", subject_type="job", subject_id=uuid.uuid4()
    )
    return event.pk


def ids(tail: Tail) -> list[int]:
    """Return the ids that are new."""
    return [each.id for each in tail.read()]


@pytest.fixture
def tail(acme: Team) -> Tail:
    """A tail at the end of the log."""
    return Tail(happen(acme))


def test_each_event_is_read_once(tail: Tail, acme: Team) -> None:
    first = [happen(acme), happen(acme)]
    assert ids(tail) == first
    assert ids(tail) == []
    second = happen(acme)
    assert ids(tail) == [second]
    assert tail.floor == second


def test_a_long_stretch_is_read_in_parts(tail: Tail, acme: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails, "AT_ONCE", 3)
    made = [happen(acme) for _ in range(10)]
    assert ids(tail) == made


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer: its ids come in order")
def test_an_id_that_becomes_visible_late_is_not_missed(tail: Tail, acme: Team) -> None:
    has_inserted, may_commit = threading.Event(), threading.Event()
    late: list[int] = []

    def write() -> None:
        with transaction.atomic():
            late.append(happen(acme))
            has_inserted.set()
            may_commit.wait(20)
        connections.close_all()

    writer = threading.Thread(target=write)
    writer.start()
    assert has_inserted.wait(20)
    early = happen(acme)
    assert early > late[0]
    assert ids(tail) == [early]
    assert tail.floor == late[0] - 1
    assert ids(tail) == []
    may_commit.set()
    writer.join(20)
    assert ids(tail) == late
    assert ids(tail) == []
    assert tail.floor == early
    assert sorted(each.id for each in tail.since(late[0] - 1) or []) == [late[0], early]


def test_an_id_that_nobody_uses_is_given_up(
    tail: Tail,
    acme: Team,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Callable[..., CaptureQueriesContext],
) -> None:
    seen = happen(acme)
    AuditEvent.objects.bulk_create(
        [AuditEvent(pk=seen + 5, team=acme, actor="test", action="job.queued", subject_type="job")]
    )
    assert ids(tail) == [seen, seen + 5]
    assert tail.floor == seen
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 11)
    assert ids(tail) == []
    assert tail.floor == seen + 5
    with django_assert_num_queries(1):
        ids(tail)


def test_what_is_remembered_tells_when_it_is_not_enough(
    tail: Tail, acme: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails, "REMEMBERED", 4)
    start = tail.floor
    tail = Tail(start)
    made = [happen(acme) for _ in range(3)]
    ids(tail)
    assert [each.id for each in tail.since(start) or []] == made
    assert [each.id for each in tail.news(1) or []] == made[1:]
    more = [happen(acme) for _ in range(3)]
    ids(tail)
    assert tail.since(start) is None
    assert [each.id for each in tail.since(made[1]) or []] == [made[2], *more]
    assert tail.news(0) is None
    assert tail.news(7) is None
    assert [each.id for each in tail.news(5) or []] == more[-1:]
