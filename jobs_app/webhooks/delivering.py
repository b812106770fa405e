"""A delivery from its claim to what is written down about it. Any number of senders may be at it."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from jobs_app.metrics import direct
from jobs_app.metrics.names import WEBHOOK_ATTEMPTS, WEBHOOKS_DISABLED
from jobs_app.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from jobs_app.webhooks.events import TEST_EVENT
from jobs_app.webhooks.schedule import wait_after
from jobs_app.webhooks.sending import Outcome, send
from pdfservice.teams import audit

logger = logging.getLogger(__name__)

# Longer than a try can last, name look-up included: then its sender is dead.
LEASE = timedelta(seconds=90)
# An endpoint that took nothing for so long is not sent anything any more.
FAILING_FOR = timedelta(days=5)
GONE, FAILING, BY_HAND = "gone", "failing", "by_hand"


def deliver_next(endpoint_id: int) -> bool:
    """Try the delivery that has been due longest at an endpoint; False when none is."""
    delivery = claim(endpoint_id)
    if delivery is None:
        return False
    settle(delivery, send(delivery))
    return True


def claim(endpoint_id: int) -> WebhookDelivery | None:
    """Take the delivery that has been due longest, and count the attempt; None when none is due."""
    due = WebhookDelivery.objects.due().filter(endpoint=endpoint_id, endpoint__disabled_at=None)
    for pk in list(due.order_by("next_try_at", "pk").values_list("pk", flat=True)[:8]):
        # The guard is in the WHERE: of any number of senders, one gets it, and the others try the next.
        taken = WebhookDelivery.objects.due().filter(pk=pk)
        if taken.update(next_try_at=Now() + LEASE, attempt_count=F("attempt_count") + 1, tried_at=Now()):
            return WebhookDelivery.objects.select_related("endpoint").get(pk=pk)
    return None


def settle(delivery: WebhookDelivery, outcome: Outcome) -> bool:
    """Write down what came of a try; False when somebody else has taken over meanwhile."""
    wait = wait_after(delivery.attempt_count, retry_after_s=outcome.retry_after_s)
    changes: dict[str, Any] = {
        "response_status": outcome.response_status,
        "response_body": outcome.response_body,
        "error": outcome.error,
        "duration_ms": outcome.duration_ms,
    }
    if outcome.is_taken:
        name = "delivered"
        changes |= {"status": DeliveryStatus.DELIVERED, "delivered_at": Now(), "next_try_at": None}
    elif wait is None or outcome.is_gone or delivery.event == TEST_EVENT:
        name = "failed"
        changes |= {"status": DeliveryStatus.FAILED, "next_try_at": None}
    else:
        name = "retry"
        changes |= {"next_try_at": Now() + wait}
    with transaction.atomic():
        mine = WebhookDelivery.objects.filter(
            pk=delivery.pk, status=DeliveryStatus.PENDING, attempt_count=delivery.attempt_count
        )
        if not mine.update(**changes):
            return False
        direct.count(WEBHOOK_ATTEMPTS, outcome=name)
        _judge_endpoint(delivery, outcome)
    return True


def disable(endpoint: WebhookEndpoint, *, reason: str, actor: str) -> bool:
    """Send an endpoint nothing any more, and give up what it is owed; False when it is disabled already."""
    with transaction.atomic():
        enabled = WebhookEndpoint.objects.enabled().filter(pk=endpoint.pk)
        if not enabled.update(disabled_at=Now(), disabled_reason=reason):
            return False
        owed = WebhookDelivery.objects.filter(endpoint=endpoint, status=DeliveryStatus.PENDING)
        given_up = owed.update(status=DeliveryStatus.FAILED, next_try_at=None, error="the endpoint was disabled")
        direct.count(WEBHOOKS_DISABLED, reason=reason)
        audit.record(
            team_id=endpoint.team_id,
            actor=actor,
            action="webhook.disabled",
            subject_type="webhook",
            subject_id=endpoint.external_id,
            data={"reason": reason, "given_up": given_up},
        )
    return True


def _judge_endpoint(delivery: WebhookDelivery, outcome: Outcome) -> None:
    """Remember since when an endpoint has been failing, and disable one that is gone or has failed for days."""
    row = WebhookEndpoint.objects.filter(pk=delivery.endpoint_id)
    if outcome.is_taken:
        row.filter(failing_since__isnull=False).update(failing_since=None)
    elif outcome.is_gone:
        disable(delivery.endpoint, reason=GONE, actor="maintain")
    elif delivery.event != TEST_EVENT:
        row.filter(failing_since=None).update(failing_since=Now())
        if row.filter(failing_since__lte=Now() - FAILING_FOR).exists():
            disable(delivery.endpoint, reason=FAILING, actor="maintain")
