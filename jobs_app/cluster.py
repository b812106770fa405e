"""One django-q cluster of one worker, as `manage.py work` keeps several of.

django-q's guard is run in this process itself. It replaces members that die; but a worker that was killed while it
waited for its queue has taken the queue's lock with it, and its successors wait for ever. So a member that died by a
signal ends the whole cluster, and the keeper starts it anew.
"""

from __future__ import annotations

import multiprocessing
import os
import select
import signal
import uuid
from typing import Any

from django_q.cluster import Sentinel
from django_q.signals import post_spawn

from jobs_app import shutdown, tasks
from pdfservice.lib.processes import die_with_parent, kill_on_parent_death


class StopSignal:
    """django-q's stop event as a pipe: a signal handler may write to it while the same thread waits for it.

    A multiprocessing Event would deadlock there: its `set` waits until the sleeper, which it interrupted, has woken.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()

    def set(self) -> None:
        """Ask for the stop."""
        os.write(self._writer, b"x")

    def is_set(self) -> bool:
        """Say whether it was asked for."""
        return self.wait(0)

    def wait(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for it."""
        return bool(select.select([self._reader], [], [], timeout)[0])


class Guard(Sentinel):  # type: ignore[misc]  # django-q publishes no types
    """django-q's guard, which gives up on a cluster that a killed member may have locked for ever."""

    def reincarnate(self, process: Any) -> None:
        """Replace a member that ended by itself; end the cluster, this process included, for one that was killed."""
        if process.exitcode is not None and process.exitcode < 0:
            os.killpg(0, signal.SIGKILL)
        super().reincarnate(process)

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
    tasks.prepare()
