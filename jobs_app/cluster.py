"""One django-q cluster of one worker, as `manage.py work` keeps several of.

django-q's guard is run in this process itself, with another mind about three things. It would replace members that
die; but a worker that was killed while it waited for its queue has taken the queue's lock with it, and its successors
wait for ever: so a member that ends takes the whole cluster along, and the keeper starts it anew. It would go on
fetching tickets for a worker that is busy, which an idle one elsewhere could answer. And it would give up, then pause
for ten seconds, when the broker is away, although the database knows what there is to do.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import select
import signal
import time
import uuid
from multiprocessing import connection
from typing import Any

from django_q.cluster import Sentinel
from django_q.pusher import pusher
from django_q.signals import post_spawn

from jobs_app import queue, shutdown, tasks
from pdfservice.lib.processes import die_with_parent, kill_on_parent_death

logger = logging.getLogger(__name__)

_BUSY_PAUSE_SECONDS = 0.02
_BROKER_PAUSE_SECONDS = 1.0


class StopSignal:
    """django-q's stop event as a pipe: a signal handler may write to it while the same thread waits for it.

    A multiprocessing Event would deadlock there: its `set` waits until the sleeper, which it interrupted, has woken.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()

    def fileno(self) -> int:
        """Return what becomes readable when the stop is asked for."""
        return self._reader

    def set(self) -> None:
        """Ask for the stop."""
        os.write(self._writer, b"x")

    def is_set(self) -> bool:
        """Say whether it was asked for."""
        return self.wait(0)

    def wait(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for it."""
        return bool(select.select([self._reader], [], [], timeout)[0])


class PatientBroker:
    """The broker as a cluster's pusher sees it: left alone while the worker is busy, waited for while it is away."""

    def __init__(self, broker: Any, task_queue: Any, timer: Any) -> None:
        self._broker = broker
        self._task_queue = task_queue
        self._timer = timer
        self._is_away = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    def dequeue(self) -> Any:
        """Return the next ticket, if the worker is free to answer it; one of our own while the broker is away."""
        if self._task_queue.full() or self._timer.value > 0:  # django-q's timer runs while the worker does
            time.sleep(_BUSY_PAUSE_SECONDS)
            return None
        try:
            tickets = self._broker.dequeue()
        except Exception as error:
            if not self._is_away:
                logger.warning("The broker is away, this worker looks for work without it: %s", error)
            self._is_away = True
            time.sleep(_BROKER_PAUSE_SECONDS)
            return [(None, queue.ticket())]
        self._is_away = False
        return tickets


class Guard(Sentinel):  # type: ignore[misc]  # django-q publishes no types
    """django-q's guard, which ends a cluster as a whole."""

    def start(self) -> None:
        """Run the cluster, whether the broker answers or not."""
        self.spawn_cluster()
        self.guard()

    def spawn_pusher(self) -> Any:
        """Start the member that fetches tickets."""
        patient = PatientBroker(self.broker, self.task_queue, self.pool[0].timer)
        return self.spawn_process(pusher, self.task_queue, self.event_out, patient)

    def guard(self) -> None:
        """Wait for the stop; when a member ends before that, kill all of the cluster, this process included."""
        self.start_event.set()
        members = [*self.pool, self.monitor, self.pusher]
        ended = connection.wait([self.stop_event, *(member.sentinel for member in members)])
        if self.stop_event in ended:
            self.stop()
            return
        for member in members:
            if member.sentinel in ended:
                member.join(1)
                logger.error("A member of this cluster ended with status %s; ending the rest.", member.exitcode)
        os.killpg(0, signal.SIGKILL)

    def stop(self) -> None:
        """Stop the members, after telling the worker to give its job back."""
        shutdown.request()
        super().stop()


def run() -> None:
    """Run a cluster until SIGTERM. The process must lead its session: what is left of it is killed by group."""
    die_with_parent()
    # Python 3.14 would start a helper process for the locks, which nobody would stop.
    multiprocessing.set_start_method("fork", force=True)
    os.register_at_fork(before=_remember_parent, after_in_child=_start_as_member)
    post_spawn.connect(_warm_up, dispatch_uid="jobs_app.cluster")
    stop, started = StopSignal(), multiprocessing.Event()
    guard = Guard(stop, started, uuid.uuid4(), start=False)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    guard.start()


_parent_pid = 0


def _remember_parent() -> None:
    global _parent_pid  # noqa: PLW0603  # read by the child that is about to be forked
    _parent_pid = os.getpid()


def _start_as_member() -> None:
    kill_on_parent_death(_parent_pid)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _warm_up(**_: Any) -> None:
    if tasks.prepare():
        logger.info("Worker %s is ready.", tasks.worker_name())
