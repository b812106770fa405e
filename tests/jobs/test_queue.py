"""The doorbell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.db import transaction
from django_q.brokers import get_broker

from jobs_app import queue
from jobs_app.models import Job
from tests.jobs.conftest import Submit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quiet_broker(db: None) -> Iterator[None]:
    broker = get_broker()
    broker.purge_queue()
    yield
    broker.purge_queue()


def test_a_ticket_rings_with_the_commit_and_not_without(settings: LazySettings) -> None:
    with transaction.atomic():
        queue.ring()
        if settings.REDIS_URL:
            assert queue.outstanding() == 0
    assert queue.outstanding() == 1
    with transaction.atomic():
        queue.ring()
        transaction.set_rollback(True)
    assert queue.outstanding() == 1


def test_tickets_do_not_pile_up() -> None:
    for _ in range(queue.ENOUGH_TICKETS + 10):
        queue.ring()
    queue.ring(1000)
    assert queue.outstanding() == queue.ENOUGH_TICKETS


def test_a_broker_that_is_away_refuses_no_job(
    submit: Submit, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def away(pid: int) -> None:
        asked.append(pid)
        raise ConnectionError("no route to the broker")

    settings.REDIS_URL = "redis://127.0.0.1:1"
    monkeypatch.setattr(queue, "_broker", away)
    monkeypatch.setattr(queue, "_resting_until", 0.0)
    submit()
    submit()
    assert Job.objects.count() == 2
    assert queue.outstanding() is None
    assert len(asked) == 1, "a broker that did not answer is left alone for a while"
