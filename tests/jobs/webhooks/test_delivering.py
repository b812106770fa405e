"""A delivery from its claim to the log: signed, retried, given up, never doubled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from standardwebhooks import WebhookVerificationError

from jobs_app.metrics import exposition
from jobs_app.models import Counter, WebhookDelivery, WebhookEndpoint
from jobs_app.webhooks import delivering, schedule
from jobs_app.webhooks.delivering import LEASE, claim, deliver_next, settle
from jobs_app.webhooks.dispatcher import PER_ENDPOINT, PER_TEAM, Dispatcher, deliver_due
from jobs_app.webhooks.sending import Outcome
from jobs_app.webhooks.services import (
    deliveries_forget,
    replay,
    webhook_change,
    webhook_rotate_secret,
    webhook_test,
)
from pdfservice.lib import outbound
from pdfservice.lib.addresses import parse_address
from pdfservice.teams import audit
from pdfservice.teams.models import AuditEvent, Team
from tests.conftest import Member
from tests.jobs.webhooks.conftest import Hook, Hooked
from tests.processes.service import until
from tests.receiver import Message, Receiver, receiving

pytestmark = pytest.mark.django_db


def happen(team: Team, action: str = "batch.done", **data: Any) -> None:
    """Let something happen that endpoints are told of."""
    audit.record(team_id=team.pk, actor="test", action=action, subject_type="batch", subject_id=uuid4(), data=data)


def let_wait_pass() -> None:
    """Let every wait and every lease be over."""
    WebhookDelivery.objects.filter(status="pending").update(next_try_at=timezone.now() - timedelta(seconds=1))


def attempts(outcome: str) -> int:
    rows = Counter.objects.filter(name="pdfservice_webhook_attempts", labels=json.dumps({"outcome": outcome}))
    return sum(rows.values_list("value", flat=True))


def test_a_message_is_signed_and_what_came_of_it_is_in_the_log(hook: Hook, receiver: Receiver, acme: Team) -> None:
    happen(acme, counts={"done": 2})
    assert deliver_due() == 1
    (message,) = receiver.messages
    payload = message.verified(hook.secret)
    assert (payload["type"], payload["data"]["counts"]) == ("batch.done", {"done": 2})
    assert message.headers["Content-Type"] == "application/json"
    (delivery,) = hook.deliveries
    assert message.id == str(delivery.external_id)
    assert (delivery.status, delivery.attempt_count, delivery.response_status) == ("delivered", 1, 200)
    assert (delivery.response_body, delivery.error, delivery.next_try_at) == ("ok", "", None)
    assert delivery.delivered_at is not None
    assert attempts("delivered") == 1
    assert deliver_due() == 0


def test_a_forged_message_does_not_verify(hook: Hook, receiver: Receiver, acme: Team) -> None:
    happen(acme)
    deliver_due()
    (message,) = receiver.messages
    forged = Message(message.path, message.headers, message.body.replace(b"done", b"gone"))
    with pytest.raises(WebhookVerificationError):
        forged.verified(hook.secret)


def test_what_is_not_taken_comes_again_under_the_same_id(hook: Hook, receiver: Receiver, acme: Team) -> None:
    receiver.status, receiver.answer = 500, b"\x00broken\xff" * 400
    happen(acme)
    deliver_due()
    (delivery,) = hook.deliveries
    assert (delivery.status, delivery.attempt_count, delivery.response_status) == ("pending", 1, 500)
    assert delivery.response_body.startswith("broken")
    assert len(delivery.response_body) == 1000
    assert delivery.error == "the receiver answered 500"
    assert deliver_due() == 0, "it waits"
    receiver.status = 204
    let_wait_pass()
    deliver_due()
    assert len({message.id for message in receiver.messages}) == 1
    assert len({message.body for message in receiver.messages}) == 1
    assert hook.deliveries[0].status == "delivered"
    assert hook.row.failing_since is None
    assert (attempts("retry"), attempts("delivered")) == (1, 1)


def test_waits_grow_over_a_day_and_then_it_is_over(hook: Hook, receiver: Receiver, acme: Team) -> None:
    receiver.status = 503
    happen(acme)
    waits = []
    for _ in range(schedule.MOST_ATTEMPTS - 1):
        assert deliver_due() == 1
        (delivery,) = hook.deliveries
        assert delivery.next_try_at is not None
        waits.append((delivery.next_try_at - timezone.now()).total_seconds())
        let_wait_pass()
    for wait, planned in zip(waits, schedule.WAITS_SECONDS, strict=True):
        assert 0.8 * planned - 2 <= wait <= 1.2 * planned
    assert sum(schedule.WAITS_SECONDS) > 24 * 3600
    deliver_due()
    (delivery,) = hook.deliveries
    assert (delivery.status, delivery.next_try_at, delivery.attempt_count) == ("failed", None, schedule.MOST_ATTEMPTS)
    let_wait_pass()
    assert deliver_due() == 0


def test_a_receiver_may_ask_for_patience_within_reason() -> None:
    assert schedule.wait_after(1, retry_after_s=600) == timedelta(seconds=600)
    assert schedule.wait_after(1, retry_after_s=10**6) == timedelta(hours=6)
    waits = {schedule.wait_after(3) for _ in range(20)}
    assert len(waits) > 10, "jitter"


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404])
def test_redirects_and_refusals_are_failures(hook: Hook, receiver: Receiver, acme: Team, status: int) -> None:
    receiver.status, receiver.headers = status, {"Location": receiver.url}
    happen(acme)
    deliver_due()
    assert len(receiver.messages) == 1
    assert (hook.deliveries[0].status, hook.deliveries[0].response_status) == ("pending", status)


def test_410_disables_the_endpoint_and_gives_up_what_it_is_owed(hook: Hook, receiver: Receiver, acme: Team) -> None:
    receiver.status = 410
    happen(acme)
    happen(acme)
    deliver_due()
    assert len(receiver.messages) == 1
    assert (hook.row.disabled_reason, hook.row.disabled_at is not None) == ("gone", True)
    assert [delivery.status for delivery in hook.deliveries] == ["failed", "failed"]
    assert hook.deliveries[1].error == "the endpoint was disabled"
    (event,) = AuditEvent.objects.filter(action="webhook.disabled")
    assert (event.team, event.actor, event.data) == (acme, "maintain", {"reason": "gone", "given_up": 1})
    happen(acme)
    assert len(hook.deliveries) == 2


def test_days_of_failures_disable_the_endpoint(hook: Hook, receiver: Receiver, acme: Team) -> None:
    receiver.status = 500
    happen(acme)
    deliver_due()
    since = hook.row.failing_since
    assert since is not None
    WebhookEndpoint.objects.update(failing_since=timezone.now() - delivering.FAILING_FOR + timedelta(minutes=1))
    let_wait_pass()
    deliver_due()
    assert hook.row.disabled_at is None
    WebhookEndpoint.objects.update(failing_since=timezone.now() - delivering.FAILING_FOR)
    let_wait_pass()
    deliver_due()
    assert hook.row.disabled_reason == "failing"
    assert AuditEvent.objects.filter(action="webhook.disabled").count() == 1


def test_an_endpoint_that_is_enabled_again_begins_anew(
    hook: Hook, receiver: Receiver, acme: Team, alice: Member
) -> None:
    receiver.status = 410
    happen(acme)
    deliver_due()
    webhook_change(caller=alice.caller, webhook_id=hook.endpoint.external_id, enabled=True)
    receiver.status = 200
    assert replay(hook.deliveries[0], actor="test")
    deliver_due()
    assert (hook.row.disabled_at, hook.row.failing_since, hook.deliveries[0].status) == (None, None, "delivered")
    assert len({message.id for message in receiver.messages}) == 1


def test_a_test_message_is_sent_once_and_never_counts_as_failing(hook: Hook, receiver: Receiver, alice: Member) -> None:
    receiver.status = 500
    webhook_test(caller=alice.caller, webhook_id=hook.endpoint.external_id)
    deliver_due()
    assert receiver.messages[0].verified(hook.secret)["type"] == "webhook.test"
    assert (hook.deliveries[0].status, hook.row.failing_since) == ("failed", None)


def test_for_a_day_both_secrets_verify(hook: Hook, receiver: Receiver, acme: Team, alice: Member) -> None:
    _, fresh = webhook_rotate_secret(caller=alice.caller, webhook_id=hook.endpoint.external_id)
    happen(acme)
    deliver_due()
    assert receiver.messages[0].verified(hook.secret) == receiver.messages[0].verified(fresh)
    WebhookEndpoint.objects.update(former_secret_until=timezone.now())
    happen(acme)
    deliver_due()
    assert receiver.messages[1].verified(fresh)
    with pytest.raises(WebhookVerificationError):
        receiver.messages[1].verified(hook.secret)


def test_secrets_are_sealed_in_the_database(hook: Hook) -> None:
    assert hook.secret.startswith("whsec_")
    assert hook.secret.removeprefix("whsec_") not in hook.row.secret_sealed
    assert hook.row.secret_sealed.startswith("v1.")


def test_a_secret_that_cannot_be_opened_is_said_in_the_log(
    hook: Hook, receiver: Receiver, acme: Team, settings: LazySettings
) -> None:
    happen(acme)
    settings.SECRET_KEY = "changed"
    deliver_due()
    assert "SECRET_KEY was changed" in hook.deliveries[0].error
    assert receiver.messages == []


def test_a_name_that_turns_inward_is_not_called(
    hooked: Hooked, receiver: Receiver, acme: Team, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    hook = hooked(url=f"https://rebinding.example.com:{receiver.port}/")
    monkeypatch.setattr(outbound, "resolve", lambda *_: [parse_address("127.0.0.1")])
    happen(acme)
    deliver_due()
    assert receiver.messages == []
    (delivery,) = hook.deliveries
    assert (delivery.status, delivery.error) == ("pending", "The host has no address that may be called.")


def test_nobody_at_the_address_is_a_failure_in_the_log(hook: Hook, acme: Team) -> None:
    WebhookEndpoint.objects.update(url="http://127.0.0.1:1/secret-path")
    happen(acme)
    deliver_due()
    assert hook.deliveries[0].error == "the connection was refused"


def test_what_happens_is_due_at_once_whatever_a_hosts_clock_says(
    hook: Hook, receiver: Receiver, alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as fast:
        now = timezone.now() + timedelta(seconds=30)
        fast.setattr(timezone, "now", lambda: now)
        happen(alice.team)
        assert alice.api.post(f"/pdf/webhooks/{hook.endpoint.external_id}/test").status_code == 202
    assert deliver_next(hook.endpoint.pk)
    assert deliver_next(hook.endpoint.pk)
    assert receiver.types == ["batch.done", "webhook.test"]


def test_a_sender_that_died_is_followed_by_another_under_the_same_id(
    hook: Hook, receiver: Receiver, acme: Team
) -> None:
    happen(acme)
    lost = claim(hook.endpoint.pk)
    assert lost is not None
    assert claim(hook.endpoint.pk) is None, "it is leased"
    assert timezone.now() < lost.next_try_at <= timezone.now() + LEASE  # type: ignore[operator]
    let_wait_pass()
    assert deliver_next(hook.endpoint.pk)
    assert receiver.messages[0].id == str(lost.external_id)
    late = Outcome(is_taken=False, duration_ms=1, error="late")
    assert not settle(lost, late), "it comes back and has nothing to say"
    assert (hook.deliveries[0].status, hook.deliveries[0].attempt_count) == ("delivered", 2)


@pytest.mark.django_db(transaction=True)
def test_of_many_senders_each_delivery_has_one(hook: Hook, receiver: Receiver, acme: Team) -> None:
    for _ in range(20):
        happen(acme)

    def work(_: int) -> None:
        try:
            while deliver_next(hook.endpoint.pk):
                pass
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert len(receiver.messages) == 20
    assert len({message.id for message in receiver.messages}) == 20


@pytest.fixture
def dispatcher() -> Iterator[Dispatcher]:
    """The threads of a maintain process."""
    running = Dispatcher()
    running.start()
    yield running
    running.stop()


@pytest.mark.django_db(transaction=True)
def test_a_slow_receiver_delays_nobody_else(
    hooked: Hooked, receiver: Receiver, acme: Team, charlie: Member, request: pytest.FixtureRequest
) -> None:
    with receiving(Receiver(is_slow=True)) as slow:
        slow_hook = hooked(url=slow.url)
        others = [hooked(), hooked(member=charlie)]
        for _ in range(5):
            happen(acme)
            happen(charlie.team)
        request.getfixturevalue("dispatcher")
        until(lambda: len(receiver.messages) == 10, "the others are told", seconds=10)
        until(lambda: all(row.status == "delivered" for hook in others for row in hook.deliveries), "that is noted")
        until(lambda: len(slow.messages) == PER_ENDPOINT, "the slow one has its share of the threads")
        assert all(delivery.status == "pending" for delivery in slow_hook.deliveries)
        slow.released.set()
        until(lambda: all(row.status == "delivered" for row in slow_hook.deliveries), "the slow one too", seconds=10)


@pytest.mark.django_db(transaction=True)
def test_a_team_with_many_slow_receivers_leaves_threads_to_others(
    hooked: Hooked, receiver: Receiver, acme: Team, charlie: Member, request: pytest.FixtureRequest
) -> None:
    with receiving(Receiver(is_slow=True)) as slow:
        for _ in range(15):
            hooked(url=slow.url)
        theirs = hooked(member=charlie)
        for _ in range(3):
            happen(acme)
        happen(charlie.team)
        request.getfixturevalue("dispatcher")
        until(lambda: theirs.deliveries[0].status == "delivered", "the other team is told", seconds=10)
        until(lambda: len(slow.messages) == PER_TEAM, "their share is used")
        assert len(slow.messages) == PER_TEAM
        slow.released.set()


def test_old_entries_are_forgotten_and_those_on_their_way_are_not(
    hook: Hook, receiver: Receiver, acme: Team, settings: LazySettings
) -> None:
    happen(acme)
    deliver_due()
    receiver.status = 500
    happen(acme)
    deliver_due()
    WebhookDelivery.objects.update(created_at=timezone.now() - timedelta(days=settings.WEBHOOK_KEEP_DAYS, seconds=1))
    happen(acme)
    assert deliveries_forget(limit=100) == 1
    assert [delivery.status for delivery in hook.deliveries] == ["pending", "pending"]


@pytest.mark.django_db(transaction=True)
def test_maintain_once_delivers_what_is_due(
    hook: Hook, receiver: Receiver, acme: Team, capsys: pytest.CaptureFixture[str]
) -> None:
    happen(acme)
    call_command("maintain", "--once")
    assert "webhooks tried 1" in capsys.readouterr().out
    assert receiver.types == ["batch.done"]


def test_metrics_say_what_came_of_tries_and_what_is_owed(
    hook: Hook, receiver: Receiver, acme: Team, client: Client
) -> None:
    exposition.forget()
    receiver.status = 500
    happen(acme)
    deliver_due()
    page = client.get("/metrics").content.decode()
    assert 'pdfservice_webhook_attempts_total{outcome="retry"} 1.0' in page
    assert "pdfservice_webhooks_owed 1.0" in page


def test_a_sender_that_comes_back_late_leaves_the_delivery_to_whoever_has_it(hook: Hook, acme: Team) -> None:
    happen(acme)
    first = claim(hook.endpoint.pk)
    let_wait_pass()
    second = claim(hook.endpoint.pk)
    assert first is not None
    assert second is not None
    assert not settle(first, Outcome(is_taken=False, duration_ms=1, error="late"))
    assert hook.deliveries[0].error == ""
    assert settle(second, Outcome(is_taken=True, duration_ms=1, response_status=200))
    assert hook.deliveries[0].status == "delivered"
