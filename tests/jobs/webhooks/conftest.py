"""A receiver on this host, and endpoints that lead to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import LazySettings

from jobs_app.models import WebhookDelivery, WebhookEndpoint
from jobs_app.webhooks.events import EVENTS
from jobs_app.webhooks.services import webhook_create
from tests.conftest import Member
from tests.receiver import Receiver, receiving


@dataclass(frozen=True)
class Hook:
    """An endpoint and what its owner knows of it."""

    endpoint: WebhookEndpoint
    secret: str

    @property
    def path(self) -> str:
        """Its address in the API."""
        return f"/pdf/webhooks/{self.endpoint.external_id}"

    @property
    def row(self) -> WebhookEndpoint:
        """The endpoint as it is now."""
        return WebhookEndpoint.objects.get(pk=self.endpoint.pk)

    @property
    def deliveries(self) -> list[WebhookDelivery]:
        """Its deliveries, the oldest first."""
        return list(self.endpoint.deliveries.order_by("id"))


Hooked = Callable[..., Hook]


@pytest.fixture
def receiver(settings: LazySettings) -> Iterator[Receiver]:
    """A running receiver, which the settings allow to be called."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with receiving(Receiver()) as running:
        yield running


@pytest.fixture
def hooked(receiver: Receiver, alice: Member) -> Hooked:
    """Make an endpoint of Alice's, for all events if none are named."""

    def _hooked(*events: str, member: Member = alice, **more: Any) -> Hook:
        wishes = {"url": receiver.url, "events": events or EVENTS, **more}
        return Hook(*webhook_create(caller=member.caller, **wishes))

    return _hooked


@pytest.fixture
def hook(hooked: Hooked) -> Hook:
    """An endpoint of Alice's for all events."""
    return hooked()
