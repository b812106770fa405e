"""How the supervisor of a host's clusters knows that one has died or works no more."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import timedelta

from django.db import DatabaseError, connection
from django.utils import timezone

from jobs_app import maintenance, presence, queue
from jobs_app.models import Job, JobAttempt
from jobs_app.tasks import CLUSTER_VARIABLE
from pdfservice.lib.process_memory import memory_of_sessions
from pdfservice.lib.processes import Kept

logger = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 5.0
_MEASURE_EVERY_SECONDS = 20.0
# Due jobs that wait so long, while a cluster neither works nor claims, mean that it hangs. Looked at twice before
# it is killed, with a ring in between: tickets may have been lost with the broker.
_STALLED_AFTER = timedelta(seconds=30)
_CHANCES = 2


def rescue_quietly(cluster_name: str) -> None:
    """Rescue what a dead cluster held; when the database is away, the lease does it later."""
    try:
        presence.leave(cluster_name)
        maintenance.rescue_from(f"{cluster_name}/")
    except DatabaseError as error:
        logger.warning("Could not rescue the jobs of %s, their leases will run out: %s", cluster_name, error)
        connection.close()


class Watch:
    """Notes which clusters live, and kills one that works no more, so that its keeper starts it anew."""

    def __init__(self, kept: Sequence[Kept]) -> None:
        self._kept = kept
        self._look_at = time.monotonic()
        self._chances: dict[str, int] = {}
        # KiB by the process id of each cluster's leader.
        self._memory: dict[int, int] = {}
        self._measure_at = 0.0

    def look(self) -> None:
        """Look, at most every five seconds."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_EVERY_SECONDS
        try:
            self._announce()
            self._look_now()
        except DatabaseError as error:
            logger.warning("The supervisor cannot reach the database: %s", error)
            connection.close()

    def _announce(self) -> None:
        living = {
            kept.process.pid: kept
            for kept in self._kept
            if kept.process is not None and CLUSTER_VARIABLE in kept.current
        }
        if time.monotonic() >= self._measure_at or not living.keys() <= self._memory.keys():
            self._memory = dict.fromkeys(living, 0) | memory_of_sessions(living)
            self._measure_at = time.monotonic() + _MEASURE_EVERY_SECONDS
        presence.announce(
            {
                kept.current[CLUSTER_VARIABLE]: presence.Seen(time.monotonic() - kept.started_at, self._memory[pid])
                for pid, kept in living.items()
            }
        )

    def _look_now(self) -> None:
        now = timezone.now()
        if not Job.objects.waiting_since(now - _STALLED_AFTER).exists():
            self._chances.clear()
            return
        for kept in self._kept:
            name = kept.current.get(CLUSTER_VARIABLE, "")
            if kept.process is None or time.monotonic() - kept.started_at < _STALLED_AFTER.total_seconds():
                continue
            if _has_worked(name, within=_STALLED_AFTER):
                self._chances.pop(name, None)
                continue
            self._chances[name] = self._chances.get(name, 0) + 1
            queue.ring()
            if self._chances[name] > _CHANCES:
                logger.error("%s has claimed nothing although jobs are due; killing it.", kept.name)
                del self._chances[name]
                kept.kill()


def _has_worked(cluster_name: str, *, within: timedelta) -> bool:
    if Job.objects.held_by(f"{cluster_name}/").exists():
        return True
    recent = timezone.now() - within
    return JobAttempt.objects.filter(worker__startswith=f"{cluster_name}/", started_at__gte=recent).exists()
