"""An event becomes deliveries in its own transaction: what happened is told, what was rolled back is not.

A team without endpoints pays one look at an index for each event that could be asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models.functions import Now
from django.utils import timezone

from jobs_app.models import WebhookDelivery, WebhookEndpoint
from jobs_app.webhooks.events import EVENTS, bodies
from pdfservice.lib.statements import Statement, find
from pdfservice.teams import audit
from pdfservice.teams.models import AuditEvent

_AT_ONCE = 500


def start() -> None:
    """Hear of every event that an endpoint may ask for."""
    audit.listen(EVENTS, audit.Listener(question=_has_endpoints, hear=record))


def _has_endpoints(team_id: int) -> Statement:
    return find(WebhookEndpoint, {"team_id": team_id, "disabled_at": None})


def record(events: Sequence[AuditEvent]) -> None:
    """Add the deliveries of events, in the caller's transaction."""
    teams = {event.team_id for event in events}
    endpoints = list(WebhookEndpoint.objects.enabled().filter(team__in=teams).only("id", "team_id", "events"))
    wanted = [event for event in events if any(_wants(endpoint, event) for endpoint in endpoints)]
    if not wanted:
        return
    now = timezone.now()
    rows = (
        # Due by the clock that it is claimed by: SQLite's knows milliseconds, and another host's may be behind.
        WebhookDelivery(endpoint=endpoint, event=event.action, body=body, created_at=now, next_try_at=Now())
        for event, body in bodies(wanted)
        for endpoint in endpoints
        if _wants(endpoint, event)
    )
    WebhookDelivery.objects.bulk_create(rows, batch_size=_AT_ONCE)


def _wants(endpoint: WebhookEndpoint, event: AuditEvent) -> bool:
    return endpoint.team_id == event.team_id and event.action in endpoint.events
