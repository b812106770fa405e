"""Which workers live: noted by the supervisor of each host, read by the dashboard."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db.models.functions import Now

from jobs_app.models import WorkerPresence

# A supervisor looks every five seconds: one that was not heard of for so long is gone or cut off.
SILENT_AFTER = timedelta(seconds=20)
_FORGOTTEN_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Seen:
    """A cluster that lives, for how long, and what it holds."""

    age_seconds: float
    memory_kb: int


def announce(clusters: Mapping[str, Seen]) -> None:
    """Note the living clusters of this host, by name, and forget those that nobody has seen for long."""
    host = socket.gethostname()
    for name, seen in clusters.items():
        started_at = Now() - timedelta(seconds=seen.age_seconds)
        seen_now = {"seen_at": Now(), "memory_kb": seen.memory_kb}
        if not WorkerPresence.objects.filter(cluster=name).update(**seen_now):
            WorkerPresence.objects.create(cluster=name, host=host, started_at=started_at, **seen_now)
    WorkerPresence.objects.filter(seen_at__lt=Now() - _FORGOTTEN_AFTER).delete()


def leave(cluster: str) -> None:
    """Forget a cluster that has ended."""
    WorkerPresence.objects.filter(cluster=cluster).delete()
