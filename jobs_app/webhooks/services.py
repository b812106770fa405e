"""What may be done with webhooks; every change is in the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from jobs_app.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from jobs_app.webhooks.delivering import BY_HAND, disable
from jobs_app.webhooks.events import TEST_EVENT, body
from jobs_app.webhooks.secrets import new_secret, sealed
from pdfservice.lib.addresses import parse_address
from pdfservice.lib.errors import Fault, conflict, malformed, not_found
from pdfservice.lib.outbound import OutboundRefused, Reach, parse_target
from pdfservice.teams import audit
from pdfservice.teams.callers import Caller
from pdfservice.teams.models import Team

MOST_ENDPOINTS = 20
# How long messages are signed with the secret before, too.
FORMER_SECRET_FOR = timedelta(hours=24)


def webhook_get(*, caller: Caller, webhook_id: UUID) -> WebhookEndpoint:
    """Return an endpoint of the caller's team; raise ServiceError (404)."""
    endpoint = WebhookEndpoint.objects.for_team(caller.team).filter(external_id=webhook_id).first()
    if endpoint is None:
        raise not_found("webhook")
    return endpoint


def webhook_create(
    *, caller: Caller, url: str, events: Sequence[str], description: str = ""
) -> tuple[WebhookEndpoint, str]:
    """Add an endpoint to the caller's team; return it and its secret, which cannot be had again.

    Raises ServiceError: 400 for an address that is never called, 409 when the team has as many as it may have.
    """
    _check(url)
    secret = new_secret()
    endpoint = WebhookEndpoint(
        team=caller.team, url=url, events=sorted(set(events)), description=description, created_by=caller.actor
    )
    endpoint.secret_sealed = sealed(secret, endpoint.external_id)
    with transaction.atomic():
        Team.objects.select_for_update().get(pk=caller.team.pk)  # two at once must not both be the last
        if WebhookEndpoint.objects.for_team(caller.team).count() >= MOST_ENDPOINTS:
            raise conflict(f"A team has up to {MOST_ENDPOINTS} webhooks.", "too_many_webhooks")
        endpoint.save(force_insert=True)
        _record(endpoint, "webhook.created", caller.actor, events=endpoint.events)
    return endpoint, secret


def webhook_change(*, caller: Caller, webhook_id: UUID, enabled: bool | None = None, **changes: Any) -> WebhookEndpoint:
    """Change `url`, `events` or `description`, enable or disable; raise ServiceError (400, 404)."""
    endpoint = webhook_get(caller=caller, webhook_id=webhook_id)
    if "url" in changes:
        _check(changes["url"])
    if "events" in changes:
        changes["events"] = sorted(set(changes["events"]))
    with transaction.atomic():
        if changes:
            WebhookEndpoint.objects.filter(pk=endpoint.pk).update(**changes)
            _record(endpoint, "webhook.changed", caller.actor, changed=sorted(changes))
        if enabled is False:
            disable(endpoint, reason=BY_HAND, actor=caller.actor)
        elif enabled:
            _enable(endpoint, caller.actor)
    endpoint.refresh_from_db()
    return endpoint


def webhook_delete(*, caller: Caller, webhook_id: UUID) -> None:
    """Delete an endpoint with its deliveries, sent or not; raise ServiceError (404)."""
    endpoint = webhook_get(caller=caller, webhook_id=webhook_id)
    with transaction.atomic():
        _record(endpoint, "webhook.deleted", caller.actor)
        WebhookEndpoint.objects.filter(pk=endpoint.pk).delete()


def webhook_rotate_secret(*, caller: Caller, webhook_id: UUID) -> tuple[WebhookEndpoint, str]:
    """Give an endpoint a new secret and return it; messages are signed with the former one too for a day."""
    endpoint = webhook_get(caller=caller, webhook_id=webhook_id)
    secret = new_secret()
    with transaction.atomic():
        locked = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
        locked.former_secret_sealed, locked.former_secret_until = (
            locked.secret_sealed,
            timezone.now() + FORMER_SECRET_FOR,
        )
        locked.secret_sealed = sealed(secret, endpoint.external_id)
        locked.save(update_fields=["secret_sealed", "former_secret_sealed", "former_secret_until"])
        _record(endpoint, "webhook.secret_rotated", caller.actor)
    return locked, secret


def webhook_test(*, caller: Caller, webhook_id: UUID) -> WebhookDelivery:
    """Have a message of no event sent to an endpoint, once; raise ServiceError (404, 409)."""
    endpoint = webhook_get(caller=caller, webhook_id=webhook_id)
    _require_enabled(endpoint)
    now = timezone.now()
    text = body(TEST_EVENT, now.isoformat(), {"id": str(endpoint.external_id), "asked_by": caller.actor})
    delivery = WebhookDelivery.objects.create(
        endpoint=endpoint, event=TEST_EVENT, body=text, created_at=now, next_try_at=Now()
    )
    delivery.refresh_from_db(fields=["next_try_at"])
    return delivery


def delivery_replay(*, caller: Caller, webhook_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    """Have a message sent again under its id, with as many tries as at first; raise ServiceError (404, 409)."""
    endpoint = webhook_get(caller=caller, webhook_id=webhook_id)
    delivery = WebhookDelivery.objects.filter(endpoint=endpoint, external_id=delivery_id).first()
    if delivery is None:
        raise not_found("delivery")
    _require_enabled(endpoint)
    if not replay(delivery, actor=caller.actor):
        raise conflict("The delivery is on its way already.", "delivery_pending")
    delivery.refresh_from_db()
    return delivery


def replay(delivery: WebhookDelivery, *, actor: str) -> bool:
    """Make a delivery that is over due again; False when it is on its way, or its endpoint disabled."""
    over = WebhookDelivery.objects.filter(pk=delivery.pk, endpoint__disabled_at=None)
    over = over.exclude(status=DeliveryStatus.PENDING)
    with transaction.atomic():
        if not over.update(
            status=DeliveryStatus.PENDING, attempt_count=0, next_try_at=Now(), delivered_at=None, error=""
        ):
            return False
        _record(delivery.endpoint, "webhook.replayed", actor, delivery=str(delivery.external_id), event=delivery.event)
    return True


def deliveries_forget(*, limit: int) -> int:
    """Delete deliveries that are over and older than WEBHOOK_KEEP_DAYS, and return how many those were."""
    before = timezone.now() - timedelta(days=settings.WEBHOOK_KEEP_DAYS)
    old = WebhookDelivery.objects.ended_before(before).order_by("created_at").values_list("pk", flat=True)
    forgotten, _ = WebhookDelivery.objects.filter(pk__in=list(old[:limit])).delete()
    return forgotten


def _enable(endpoint: WebhookEndpoint, actor: str) -> None:
    disabled = WebhookEndpoint.objects.filter(pk=endpoint.pk, disabled_at__isnull=False)
    if disabled.update(disabled_at=None, disabled_reason="", failing_since=None):
        _record(endpoint, "webhook.enabled", actor)


def _require_enabled(endpoint: WebhookEndpoint) -> None:
    if endpoint.disabled_at is not None:
        raise conflict("The webhook is disabled; enable it first.", "webhook_disabled")


def _check(url: str) -> None:
    """Refuse what would be refused at every try; what a name leads to is looked at when it is called."""
    reach = Reach(networks=settings.WEBHOOK_ALLOWED_NETWORKS)
    try:
        target = parse_target(url)
    except OutboundRefused as error:
        raise _bad_url(str(error)) from error
    if target.scheme != "https" and not reach.networks:
        raise _bad_url("Its address must begin with https://.")
    try:
        address = parse_address(target.hostname or "")
    except ValueError:
        return
    if not reach.permits(address, target.scheme):
        raise _bad_url("That address is none of the public internet.")


def _bad_url(message: str) -> Exception:
    return malformed("The webhook cannot be called; see errors.", [Fault("/url", message)])


def _record(endpoint: WebhookEndpoint, action: str, actor: str, **data: Any) -> None:
    audit.record(
        team_id=endpoint.team_id,
        actor=actor,
        action=action,
        subject_type="webhook",
        subject_id=endpoint.external_id,
        data=data,
    )
