"""Webhooks in the admin: to look at, and to send deliveries again."""

from __future__ import annotations

import pytest

from jobs_app.webhooks.dispatcher import deliver_due
from pdfservice.teams.models import AuditEvent
from tests.conftest import Member
from tests.jobs.webhooks.conftest import Hook
from tests.receiver import Receiver

pytestmark = pytest.mark.django_db
ENDPOINTS, DELIVERIES = "/admin/jobs_app/webhookendpoint/", "/admin/jobs_app/webhookdelivery/"


def test_an_admin_sees_webhooks_without_their_secrets_and_changes_none(hook: Hook, alice: Member) -> None:
    page = alice.browser.get(ENDPOINTS).content.decode()
    assert hook.endpoint.url in page
    page = alice.browser.get(f"{ENDPOINTS}{hook.endpoint.pk}/change/").content.decode()
    assert "job.done" in page
    assert hook.endpoint.secret_sealed not in page
    assert hook.secret not in page
    assert alice.browser.get(f"{ENDPOINTS}add/").status_code == 403
    assert (
        alice.browser.post(f"{ENDPOINTS}{hook.endpoint.pk}/change/", {"url": "https://x.example/"}).status_code == 403
    )
    assert alice.browser.post(f"{ENDPOINTS}{hook.endpoint.pk}/delete/", {"post": "yes"}).status_code == 403


def test_an_admin_sees_what_came_of_a_delivery_and_sends_it_again(
    hook: Hook, alice: Member, receiver: Receiver
) -> None:
    receiver.status, receiver.answer = 500, b"out of order"
    alice.api.post(f"{hook.path}/test")
    deliver_due()
    (delivery,) = hook.deliveries
    assert "out of order" in alice.browser.get(f"{DELIVERIES}{delivery.pk}/change/").content.decode()
    receiver.status = 200
    answer = alice.browser.post(
        DELIVERIES, {"action": "send_again", "_selected_action": [str(delivery.pk)]}, follow=True
    )
    assert "1 of 1 deliveries are sent again." in answer.content.decode()
    deliver_due()
    assert hook.deliveries[0].status == "delivered"
    assert AuditEvent.objects.get(action="webhook.replayed").actor == "user:alice"


def test_viewers_and_other_teams_see_none_and_send_none_again(
    hook: Hook, alice: Member, bob: Member, charlie: Member, receiver: Receiver
) -> None:
    alice.api.post(f"{hook.path}/test")
    deliver_due()
    (delivery,) = hook.deliveries
    for url in (ENDPOINTS, DELIVERIES):
        assert bob.browser.get(url).status_code == 403
        assert hook.endpoint.url not in charlie.browser.get(url).content.decode()
    for stranger in (bob, charlie):
        stranger.browser.post(DELIVERIES, {"action": "send_again", "_selected_action": [str(delivery.pk)]})
    assert charlie.browser.get(f"{DELIVERIES}{delivery.pk}/change/").status_code in {302, 404}
    assert deliver_due() == 0
