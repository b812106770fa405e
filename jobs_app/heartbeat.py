"""Keeps a claimed job's lease alive while its worker is busy, and stops the renderer when the work is in vain."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from django.conf import settings
from django.db import DatabaseError, connection

from jobs_app import shutdown, transitions
from jobs_app.models import Job

logger = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 0.2
_RENEW_EVERY_SECONDS = 2.0
# What storing an output may take; a worker that is silent for longer than this on top of the work itself loses its job.
UPLOAD_LIMIT_SECONDS = 120.0


class Verdict(StrEnum):
    """Why a heartbeat told its worker to let go."""

    LOST = "lost"
    STOPPING = "stopping"
    CANCELLED = "cancelled"


class Heartbeat:
    """One claim's pulse, in a thread of its own.

    `interrupt` is called, again and again until the work has ended, once the claim is lost or the worker is to stop.
    The lease is renewed for `longest_seconds` and the time of an upload: a worker that hangs loses its job.
    """

    def __init__(self, job: Job, interrupt: Callable[[], None], *, longest_seconds: float) -> None:
        self.verdict: Verdict | None = None
        self._job = job
        self._interrupt = interrupt
        self._longest_seconds = longest_seconds
        self._ended = threading.Event()
        self._uploading = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"heartbeat-{job.pk}", daemon=True)

    @contextmanager
    def beating(self) -> Iterator[Heartbeat]:
        """Beat while the block runs."""
        self._thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            self._thread.join()

    def rendered(self) -> None:
        """Say that only storing is left: from here on a stop waits for it."""
        self._uploading.set()

    def _run(self) -> None:
        give_up_at = time.monotonic() + self._longest_seconds + UPLOAD_LIMIT_SECONDS
        renew_at = time.monotonic() + self._interval()
        try:
            while not self._ended.wait(_LOOK_EVERY_SECONDS):
                if shutdown.is_requested() and not self._uploading.is_set():
                    self.verdict = self.verdict or Verdict.STOPPING
                if self.verdict is None and renew_at <= time.monotonic() < give_up_at:
                    renew_at = time.monotonic() + self._interval()
                    self._renew()
                if self.verdict is not None:
                    self._interrupt()
        finally:
            connection.close()

    def _renew(self) -> None:
        try:
            if not transitions.renew(self._job):
                self.verdict = Verdict.LOST
            elif transitions.is_cancel_requested(self._job):
                self.verdict = Verdict.CANCELLED
        except DatabaseError as error:
            # The lease outlasts a few missed beats; the finish is fenced in any case.
            logger.warning("Could not renew the lease of job %s: %s", self._job, error)
            connection.close()

    @staticmethod
    def _interval() -> float:
        return min(_RENEW_EVERY_SECONDS, settings.LEASE_SECONDS / 3)
