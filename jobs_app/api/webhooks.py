"""Webhooks: where a team wants to be told of events, and what was told."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs_app.models import WebhookDelivery, WebhookEndpoint
from jobs_app.webhook_serializers import (
    DeliveryFilterSerializer,
    DeliverySerializer,
    WebhookChangeSerializer,
    WebhookRequestSerializer,
    WebhookSerializer,
    WebhookWithSecretSerializer,
)
from jobs_app.webhooks.services import (
    delivery_replay,
    webhook_change,
    webhook_create,
    webhook_delete,
    webhook_get,
    webhook_rotate_secret,
    webhook_test,
)
from pdfservice.lib.pagination import NewestFirst
from pdfservice.teams.callers import caller_of
from pdfservice.teams.scopes import Scope

_ADMIN = (Scope.TEAM_ADMIN,)


class WebhookListView(APIView):
    """The webhooks of the caller's team."""

    scopes = {"GET": _ADMIN, "POST": _ADMIN}

    @extend_schema(
        operation_id="list_webhooks", summary="List webhooks", tags=["Webhooks"], responses=WebhookSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """Return all of them, without their secrets."""
        endpoints = WebhookEndpoint.objects.for_team(caller_of(request).team).order_by("id")
        return Response(WebhookSerializer(endpoints, many=True).data)

    @extend_schema(
        operation_id="create_webhook",
        summary="Add a webhook",
        tags=["Webhooks"],
        request=WebhookRequestSerializer,
        responses={201: WebhookWithSecretSerializer},
    )
    def post(self, request: Request) -> Response:
        """Add one; its secret is shown now and never again."""
        body = WebhookRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return _with_secret(*webhook_create(caller=caller_of(request), **body.validated_data), status=201)


class WebhookView(APIView):
    """One webhook."""

    scopes = {"GET": _ADMIN, "PATCH": _ADMIN, "DELETE": _ADMIN}

    @extend_schema(
        operation_id="get_webhook", summary="Look at a webhook", tags=["Webhooks"], responses=WebhookSerializer
    )
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """Return it without its secret."""
        return Response(WebhookSerializer(webhook_get(caller=caller_of(request), webhook_id=webhook_id)).data)

    @extend_schema(
        operation_id="change_webhook",
        summary="Change a webhook",
        tags=["Webhooks"],
        request=WebhookChangeSerializer,
        responses=WebhookSerializer,
    )
    def patch(self, request: Request, webhook_id: UUID) -> Response:
        """Change it, disable it, or enable it again; what is left out stays."""
        caller = caller_of(request)
        webhook_get(caller=caller, webhook_id=webhook_id)  # what is not there is said before what is wrong
        body = WebhookChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        changed = webhook_change(caller=caller, webhook_id=webhook_id, **body.validated_data)
        return Response(WebhookSerializer(changed).data)

    @extend_schema(operation_id="delete_webhook", summary="Delete a webhook", tags=["Webhooks"], responses={204: None})
    def delete(self, request: Request, webhook_id: UUID) -> Response:
        """Delete it with its deliveries; what was not sent is not sent any more."""
        webhook_delete(caller=caller_of(request), webhook_id=webhook_id)
        return Response(status=204)


class WebhookSecretView(APIView):
    """The secret of a webhook."""

    scopes = {"POST": _ADMIN}

    @extend_schema(
        operation_id="rotate_webhook_secret",
        summary="Change a webhook's secret",
        tags=["Webhooks"],
        request=None,
        responses=WebhookWithSecretSerializer,
    )
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Make a new secret and show it once; for a day messages carry a signature with the former one as well."""
        return _with_secret(*webhook_rotate_secret(caller=caller_of(request), webhook_id=webhook_id))


class WebhookTestView(APIView):
    """A message to see whether a webhook works."""

    scopes = {"POST": _ADMIN}

    @extend_schema(
        operation_id="test_webhook",
        summary="Send a test message",
        tags=["Webhooks"],
        request=None,
        responses={202: DeliverySerializer},
    )
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Send `webhook.test`, once; what came of it is among the deliveries within a second or two."""
        delivery = webhook_test(caller=caller_of(request), webhook_id=webhook_id)
        return Response(DeliverySerializer(delivery).data, status=202)


class DeliveryListView(GenericAPIView[WebhookDelivery]):
    """What a webhook was told."""

    scopes = {"GET": _ADMIN}
    pagination_class = NewestFirst
    serializer_class = DeliverySerializer
    queryset = WebhookDelivery.objects.none()

    @extend_schema(
        operation_id="list_webhook_deliveries",
        summary="List deliveries",
        tags=["Webhooks"],
        parameters=[DeliveryFilterSerializer],
    )
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """Return a page of deliveries, the newest first, with status, attempts and the receiver's answer."""
        endpoint = webhook_get(caller=caller_of(request), webhook_id=webhook_id)
        asked = DeliveryFilterSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = {name: value for name, value in asked.validated_data.items() if name in {"status", "event"}}
        page = self.paginate_queryset(endpoint.deliveries.filter(**wanted)) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class DeliveryReplayView(APIView):
    """A delivery that is to be sent again."""

    scopes = {"POST": _ADMIN}

    @extend_schema(
        operation_id="replay_webhook_delivery",
        summary="Send a delivery again",
        tags=["Webhooks"],
        request=None,
        responses={202: DeliverySerializer},
    )
    def post(self, request: Request, webhook_id: UUID, delivery_id: UUID) -> Response:
        """Send a message that is over again under the same id; 409 while it is on its way."""
        delivery = delivery_replay(caller=caller_of(request), webhook_id=webhook_id, delivery_id=delivery_id)
        return Response(DeliverySerializer(delivery).data, status=202)


def _with_secret(endpoint: WebhookEndpoint, secret: str, *, status: int = 200) -> Response:
    shown = {**WebhookSerializer(endpoint).data, "secret": secret}
    return Response(shown, status=status, headers={"Cache-Control": "no-store"})
