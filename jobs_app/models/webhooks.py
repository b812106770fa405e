"""Where teams want to be told of events, and what was told, or is owed, to whom."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from pdfservice.teams.models import Team


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    """Reads of endpoints."""

    def for_team(self, team: Team) -> WebhookEndpointQuerySet:
        """Return the endpoints of `team`."""
        return self.filter(team=team)

    def enabled(self) -> WebhookEndpointQuerySet:
        """Return those that are told of events."""
        return self.filter(disabled_at=None)

    def owed(self) -> WebhookEndpointQuerySet:
        """Return those that something can be sent to now."""
        return self.enabled().filter(Exists(WebhookDelivery.objects.due().filter(endpoint=OuterRef("pk"))))


class WebhookEndpoint(models.Model):
    """An address of a team's that events are posted to, signed with a secret that we keep sealed."""

    external_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=200, blank=True)
    events = models.JSONField(help_text="which events it is told of; jobs_app/webhooks/events.py has the list")
    secret_sealed = models.CharField(max_length=300, editable=False)
    # What receivers knew before the secret was changed still signs beside it for a while.
    former_secret_sealed = models.CharField(max_length=300, blank=True, editable=False)
    former_secret_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.CharField(max_length=200, help_text="user:NAME or key:PREFIX")
    # Since when nothing has been taken; null while all is well.
    failing_since = models.DateTimeField(null=True, editable=False)
    disabled_at = models.DateTimeField(null=True, editable=False)
    disabled_reason = models.CharField(max_length=20, blank=True, editable=False)

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        verbose_name = "webhook"
        constraints = [
            models.CheckConstraint(
                condition=Q(disabled_at=None, disabled_reason="")
                | (Q(disabled_at__isnull=False) & ~Q(disabled_reason="")),
                name="webhook_disabled_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return str(self.external_id)


class DeliveryStatus(models.TextChoices):
    """`pending` until it was taken; `failed` once nobody tries any more."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    """Reads of deliveries."""

    def due(self) -> WebhookDeliveryQuerySet:
        """Return those that may be tried now: new, their wait over, or their sender's lease."""
        return self.filter(status=DeliveryStatus.PENDING, next_try_at__lte=Now())

    def ended_before(self, moment: datetime) -> WebhookDeliveryQuerySet:
        """Return those that are over and were made before `moment`."""
        return self.filter(created_at__lt=moment).exclude(status=DeliveryStatus.PENDING)


class WebhookDelivery(models.Model):
    """One event for one endpoint. `external_id` is the message's id: the same however often it is sent."""

    external_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=50)
    body = models.TextField(help_text="the JSON that is posted, byte for byte")
    status = models.CharField(max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING)
    # How often it was tried since it was made or replayed; counted when a try begins.
    attempt_count = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # While somebody is at it: when others may take over.
    next_try_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    response_status = models.PositiveSmallIntegerField(null=True)
    response_body = models.CharField(max_length=1000, blank=True, help_text="its beginning")
    error = models.CharField(max_length=300, blank=True)
    duration_ms = models.PositiveIntegerField(null=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.CheckConstraint(condition=Q(status__in=DeliveryStatus.values), name="delivery_status_known"),
            models.CheckConstraint(
                condition=Q(status=DeliveryStatus.PENDING, next_try_at__isnull=False)
                | (~Q(status=DeliveryStatus.PENDING) & Q(next_try_at=None)),
                name="delivery_pending_has_next_try",
            ),
            models.CheckConstraint(
                condition=~Q(status=DeliveryStatus.DELIVERED) | Q(delivered_at__isnull=False),
                name="delivery_delivered_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "next_try_at"], condition=Q(status=DeliveryStatus.PENDING), name="delivery_due"
            ),
            models.Index(fields=["endpoint", "-id"], name="delivery_by_endpoint"),
            models.Index(fields=["created_at"], condition=~Q(status=DeliveryStatus.PENDING), name="delivery_over"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.external_id}"
