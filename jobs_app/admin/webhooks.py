"""Webhooks and their deliveries in the admin: to look at, and to send again."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from jobs_app.models import WebhookDelivery, WebhookEndpoint
from jobs_app.webhooks.services import replay
from pdfservice.teams.scopes import Scope
from pdfservice.teams.team_admin import TeamFilter, TeamScopedAdmin, actor_of, rights_of, short_id


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(TeamScopedAdmin[WebhookEndpoint]):
    """Who is told of what. The API adds and changes them, since a secret is shown once."""

    list_display = ["url", "team", "description", "created_at", "failing_since", "disabled_at", "disabled_reason"]
    list_filter = [
        ("disabled_at", admin.EmptyFieldListFilter),
        ("failing_since", admin.EmptyFieldListFilter),
        TeamFilter,
    ]
    list_select_related = ["team"]
    search_fields = ["url", "description", "external_id"]
    exclude = ["secret_sealed", "former_secret_sealed"]
    readonly_fields = [
        "external_id",
        "former_secret_until",
        "created_at",
        "failing_since",
        "disabled_at",
        "disabled_reason",
    ]
    ordering = ["-id"]


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(TeamScopedAdmin[WebhookDelivery]):
    """What was told, and what came of it."""

    team_path = "endpoint__team"
    list_display = [
        short_id("external_id"),
        "event",
        "endpoint_url",
        "status",
        "attempt_count",
        "response_status",
        "error",
        "created_at",
    ]
    list_filter = [TeamFilter, "status", "event"]
    list_select_related = ["endpoint__team"]
    search_fields = ["external_id", "endpoint__external_id", "endpoint__url"]
    date_hierarchy = "created_at"
    ordering = ["-id"]
    actions = ["send_again"]

    @admin.display(description="Webhook", ordering="endpoint__url")
    def endpoint_url(self, delivery: WebhookDelivery) -> str:
        """Return where it goes."""
        return delivery.endpoint.url

    @admin.action(description="Send deliveries again", permissions=["replay"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        """Send those again that are over, and say how many that was."""
        rows = rights_of(request).narrow(queryset, self.team_path, Scope.TEAM_ADMIN).select_related("endpoint")
        again = sum(replay(delivery, actor=actor_of(request)) for delivery in rows)
        self.message_user(request, f"{again} of {queryset.count()} deliveries are sent again.")

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Grant it to admins of a team."""
        return self.may(request, Scope.TEAM_ADMIN)
