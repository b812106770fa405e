"""Webhooks and their deliveries on the wire."""

from __future__ import annotations

import json
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs_app.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from jobs_app.webhooks.events import EVENTS
from pdfservice.lib.serializers import StrictSerializer


class WebhookRequestSerializer(StrictSerializer):
    """Where a team wants to be told of what."""

    url = serializers.CharField(max_length=2000, help_text="https://…")
    events = serializers.ListField(child=serializers.ChoiceField(choices=EVENTS), allow_empty=False, max_length=50)
    description = serializers.CharField(max_length=200, allow_blank=True, default="")


class WebhookChangeSerializer(StrictSerializer):
    """What of a webhook changes; what is left out stays."""

    url = serializers.CharField(max_length=2000, required=False)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=EVENTS), allow_empty=False, max_length=50, required=False
    )
    description = serializers.CharField(max_length=200, allow_blank=True, required=False)
    enabled = serializers.BooleanField(required=False)


class WebhookSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    """A webhook as its team's admins see it."""

    id = serializers.UUIDField(source="external_id")
    events = serializers.ListField(child=serializers.CharField())
    enabled = serializers.SerializerMethodField()

    class Meta:
        model = WebhookEndpoint
        fields = [
            "id",
            "url",
            "description",
            "events",
            "enabled",
            "disabled_at",
            "disabled_reason",
            "failing_since",
            "former_secret_until",
            "created_at",
        ]

    def get_enabled(self, endpoint: WebhookEndpoint) -> bool:
        """Return whether it is told of events."""
        return endpoint.disabled_at is None


class WebhookWithSecretSerializer(WebhookSerializer):
    """A webhook in the one answer that shows its secret."""

    secret = serializers.CharField(read_only=True, help_text="Signs the messages; only in this answer.")

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


class DeliveryFilterSerializer(StrictSerializer):
    """Which deliveries to list."""

    status = serializers.ChoiceField(choices=DeliveryStatus.choices, required=False)
    event = serializers.CharField(max_length=50, required=False)
    cursor = serializers.CharField(required=False, help_text="From `next` or `previous`.")
    page_size = serializers.IntegerField(required=False, min_value=1)


class DeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """A message for a webhook and what came of it."""

    id = serializers.UUIDField(source="external_id", help_text="Its `webhook-id`.")
    payload = serializers.SerializerMethodField()

    class Meta:
        model = WebhookDelivery
        fields = [
            "id",
            "event",
            "status",
            "attempt_count",
            "created_at",
            "tried_at",
            "next_try_at",
            "delivered_at",
            "response_status",
            "response_body",
            "error",
            "duration_ms",
            "payload",
        ]

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_payload(self, delivery: WebhookDelivery) -> Any:
        """Return what is posted."""
        return json.loads(delivery.body)
