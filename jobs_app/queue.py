"""The doorbell: the one door to django-q2's broker.

A ticket says only "there is work". It carries no job and no data: whoever holds one claims the best job that waits, and
a lost or doubled ticket loses or doubles nothing, since the database is the truth.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from functools import lru_cache, partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.signing import SignedPackage
from django_q.tasks import async_task

logger = logging.getLogger(__name__)

TASK = "jobs_app.tasks.answer_ticket"
# More tickets than this in the broker wake nobody who is not awake already: a worker goes on until nothing is due.
ENOUGH_TICKETS = 64
# After a failure the broker is left alone for so long, so that callers do not wait for it one by one.
_BROKER_REST_SECONDS = 2.0
_resting_until = 0.0


def ring(tickets: int = 1) -> None:
    """Put tickets into the broker: in the caller's transaction where the broker is the database, else when it commits.

    Never raises for a broker that is away: `manage.py maintain` rings for what waits unclaimed.
    """
    if settings.REDIS_URL:
        transaction.on_commit(partial(_ring_quietly, tickets))
    else:
        _push(tickets)


def outstanding() -> int | None:
    """Return the number of tickets that nobody has taken yet, None when the broker does not answer."""
    if _is_resting():
        return None
    try:
        return int(_broker(os.getpid()).queue_size())
    except Exception as error:
        _rest(error)
        return None


def ticket() -> str:
    """Return a ticket as a broker would hand it out, for a worker that looks for work while there is none."""
    task = {"id": uuid.uuid4().hex, "name": "ticket", "func": TASK, "args": (), "kwargs": {}, "started": timezone.now()}
    return str(SignedPackage.dumps(task))


def _push(tickets: int) -> None:
    broker = _broker(os.getpid())
    room = ENOUGH_TICKETS - int(broker.queue_size())
    for _ in range(min(tickets, room)):
        async_task(TASK, broker=broker, task_name="ticket")


def _ring_quietly(tickets: int) -> None:
    if _is_resting():
        return
    try:
        _push(tickets)
    except Exception as error:
        _rest(error)


def _is_resting() -> bool:
    return time.monotonic() < _resting_until


def _rest(error: Exception) -> None:
    global _resting_until  # noqa: PLW0603  # one broker a process
    logger.warning("The broker is away, jobs wait for maintain to ring: %s", error)
    _resting_until = time.monotonic() + _BROKER_REST_SECONDS


@lru_cache(maxsize=1)
def _broker(pid: int) -> Any:
    # get_broker() would open a new connection each time; one that was inherited through a fork must not be shared.
    return get_broker()
