"""What may take longer than a second, or talk to another server: done beside the maintenance loop, never in its way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from jobs_app import archive, idempotency, maintenance, transitions
from jobs_app.figures import store as figures
from jobs_app.models import Batch, Job
from jobs_app.webhooks import services as webhooks
from templates_app import stored_objects
from templates_app.authoring import watermarks

AT_ONCE = 500
BATCHES_AT_ONCE = 20  # each of up to 10,000 items
_LOOK_EVERY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Chore:
    """One thing to do every so often; `do` returns how much it did."""

    every_seconds: float
    do: Callable[[], int]


def erase_payloads() -> int:
    """Erase the payloads of dead letters and cancelled jobs whose time is over."""
    due = Job.objects.payload_due().order_by("finished_at")[:AT_ONCE]
    return sum(transitions.erase(job) for job in due)


def forget_keys() -> int:
    """Forget idempotency keys that were honoured long enough."""
    return idempotency.forget_old(limit=AT_ONCE)


def forget_batches() -> int:
    """Delete the batches whose jobs are all archived."""
    before = timezone.now() - timedelta(days=settings.ARCHIVE_AFTER_DAYS)
    due = Batch.objects.forgettable(before).order_by("id")[:BATCHES_AT_ONCE]
    return sum(transitions.batch_forget(batch, before=before) for batch in due)


def forget_deliveries() -> int:
    """Delete old entries of the log of webhooks."""
    return webhooks.deliveries_forget(limit=AT_ONCE)


CHORES: dict[str, Chore] = {
    "queues measured": Chore(10, figures.sample_depths),
    "figures forgotten": Chore(600, figures.forget_old),
    "erased": Chore(30, erase_payloads),
    "keys forgotten": Chore(30, forget_keys),
    "deliveries forgotten": Chore(60, forget_deliveries),
    "jobs archived": Chore(60, archive.archive_jobs),
    "events archived": Chore(60, archive.archive_events),
    "batches forgotten": Chore(600, forget_batches),
    "watermark images forgotten": Chore(3600, watermarks.images_forget),
    "archives swept": Chore(600, archive.sweep_abandoned),
    "template files marked": Chore(3600, stored_objects.objects_mark),
    "template files swept": Chore(600, stored_objects.objects_sweep),
}


def run_once() -> dict[str, int]:
    """Do each chore once and return what each did."""
    return maintenance.run({name: chore.do for name, chore in CHORES.items()})


class Rounds:
    """Does the chores at their pace in a thread of its own until it is told to stop.

    It may die in the middle of any of them: each is safe to be cut off and done again.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chores", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, *, patience_seconds: float = 5.0) -> None:
        """Ask it to stop and wait so long."""
        self._stop.set()
        self._thread.join(patience_seconds)

    def _run(self) -> None:
        due_at = dict.fromkeys(CHORES, time.monotonic())
        try:
            while not self._stop.wait(_LOOK_EVERY_SECONDS):
                for name, chore in CHORES.items():
                    if due_at[name] <= time.monotonic() and not self._stop.is_set():
                        maintenance.run({name: chore.do})
                        due_at[name] = time.monotonic() + chore.every_seconds
        finally:
            connection.close()
