"""The threads that deliver: a slow receiver costs its own team's threads, never the loop, never another's."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter

from django.db import Error, close_old_connections, connection

from jobs_app.models import WebhookEndpoint
from jobs_app.webhooks.delivering import deliver_next

logger = logging.getLogger(__name__)

THREADS = 16
PER_TEAM = 4
PER_ENDPOINT = 2
# How long a thread stays with one endpoint while others may be waiting for it.
_SLICE_SECONDS = 5.0
_LOOK_EVERY_SECONDS = 0.5


class Dispatcher:
    """Looks for what is due in a thread of its own, and has it sent by a few more, until it is told to stop.

    It may die in the middle of anything: a lease runs out, and the message is sent again under the same id.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._by_endpoint: Counter[int] = Counter()
        self._by_team: Counter[int] = Counter()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, *, patience_seconds: float = 5.0) -> None:
        """Ask all threads to stop and wait so long for what is being sent."""
        self._stop.set()
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way(), patience_seconds)
        self._thread.join(1.0)

    def look(self) -> int:
        """Start a thread for each endpoint that is owed something, as far as there is room; return how many."""
        room = THREADS - self._under_way()
        if room <= 0:
            return 0
        with self._changed:
            full_endpoints = [pk for pk, count in self._by_endpoint.items() if count >= PER_ENDPOINT]
            full_teams = [pk for pk, count in self._by_team.items() if count >= PER_TEAM]
        owed = WebhookEndpoint.objects.owed().exclude(pk__in=full_endpoints).exclude(team__in=full_teams)
        # Whoever waits for their first thread comes before those who want a second.
        rows = list(owed.values_list("pk", "team_id")[:1000])
        rows.sort(key=lambda row: (self._by_team[row[1]], self._by_endpoint[row[0]]))
        return sum(self._take(endpoint_id, team_id) for endpoint_id, team_id in rows)

    def _take(self, endpoint_id: int, team_id: int) -> bool:
        with self._changed:
            if self._under_way() >= THREADS or self._by_team[team_id] >= PER_TEAM:
                return False
            self._by_endpoint[endpoint_id] += 1
            self._by_team[team_id] += 1
        threading.Thread(
            target=self._serve, args=(endpoint_id, team_id), name=f"webhook-{endpoint_id}", daemon=True
        ).start()
        return True

    def _under_way(self) -> int:
        return self._by_endpoint.total()

    def _serve(self, endpoint_id: int, team_id: int) -> None:
        end = time.monotonic() + _SLICE_SECONDS
        try:
            while not self._stop.is_set() and deliver_next(endpoint_id) and time.monotonic() < end:
                pass
        except Error as error:
            logger.error("Webhooks wait: the database is away: %s", error)
        except Exception:
            logger.exception("A webhook could not be delivered.")
        finally:
            connection.close()
            with self._changed:
                self._by_endpoint[endpoint_id] -= 1
                self._by_team[team_id] -= 1
                self._changed.notify_all()

    def _run(self) -> None:
        try:
            while not self._stop.wait(_LOOK_EVERY_SECONDS):
                close_old_connections()
                try:
                    self.look()
                except Error as error:
                    logger.error("Webhooks wait: the database is away: %s", error)
                except Exception:
                    logger.exception("Looking for webhooks to deliver failed.")
        finally:
            connection.close()


def deliver_due(*, limit: int = 1000) -> int:
    """Try what is due at this moment, one after the other, and return how many tries that were."""
    tried = 0
    for endpoint_id in WebhookEndpoint.objects.owed().values_list("pk", flat=True):
        while tried < limit and deliver_next(endpoint_id):
            tried += 1
    return tried
