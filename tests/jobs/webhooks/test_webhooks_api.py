"""`/pdf/webhooks`"""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.conf import LazySettings
from django.db.models import ProtectedError

from jobs_app.models import WebhookDelivery, WebhookEndpoint
from jobs_app.webhooks.dispatcher import deliver_due
from jobs_app.webhooks.services import MOST_ENDPOINTS
from pdfservice.teams.models import AuditEvent, Team
from tests.conftest import Member
from tests.jobs.webhooks.conftest import Hook, Hooked
from tests.receiver import Receiver

pytestmark = pytest.mark.django_db

GOOD = {"url": "https://hooks.example.com/pdf?x=1", "events": ["job.done", "job.failed"]}


def create(member: Member, **changes: Any) -> Any:
    return member.api.post("/pdf/webhooks", {**GOOD, **changes}, format="json")


def test_an_admin_adds_one_and_sees_its_secret_once(alice: Member) -> None:
    answer = create(alice, description="ERP")
    shown = answer.json()
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    secret = shown.pop("secret")
    assert secret.startswith("whsec_")
    assert shown | {"id": "", "created_at": ""} == {
        "id": "",
        "url": GOOD["url"],
        "description": "ERP",
        "events": ["job.done", "job.failed"],
        "enabled": True,
        "disabled_at": None,
        "disabled_reason": "",
        "failing_since": None,
        "former_secret_until": None,
        "created_at": "",
    }
    assert alice.api.get("/pdf/webhooks").json() == [shown]
    assert alice.api.get(f"/pdf/webhooks/{shown['id']}").json() == shown
    (event,) = AuditEvent.objects.filter(action="webhook.created")
    assert (event.team, event.actor) == (alice.team, f"key:{alice.api_key.prefix}")
    assert secret not in str(event.data)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"url": "http://hooks.example.com/"}, "/url"),
        ({"url": "https://127.0.0.1/"}, "/url"),
        ({"url": "https://[::ffff:169.254.169.254]/latest"}, "/url"),
        ({"url": "https://10.0.0.1:8443/"}, "/url"),
        ({"url": "https://user:secret@example.com/"}, "/url"),
        ({"url": "ftp://example.com/"}, "/url"),
        ({"url": "https://example.com/" + "x" * 2000}, "/url"),
        ({"url": ""}, "/url"),
        ({"url": None}, "/url"),
        ({"events": []}, "/events"),
        ({"events": ["job.exploded"]}, "/events/0"),
        ({"events": "job.done"}, "/events"),
        ({"events": ["webhook.test"]}, "/events/0"),
        ({"description": "x" * 201}, "/description"),
        ({"secret": "whsec_mine"}, "/secret"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(alice: Member, changes: Any, pointer: str) -> None:
    answer = create(alice, **changes)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not WebhookEndpoint.objects.exists()


def test_plain_http_is_for_networks_that_the_operator_allows(alice: Member, settings: LazySettings) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["10.0.0.0/8"]
    assert create(alice, url="http://10.1.2.3/").status_code == 201
    assert create(alice, url="http://192.168.1.1/").status_code == 400


def test_it_is_changed_disabled_and_enabled(hook: Hook, alice: Member) -> None:
    changes = {"url": "https://other.example.com/", "events": ["batch.done"], "description": "new", "enabled": False}
    shown = alice.api.patch(hook.path, changes, format="json").json()
    assert {name: shown[name] for name in changes} == changes
    assert (shown["disabled_reason"], shown["disabled_at"] is not None) == ("by_hand", True)
    back = alice.api.patch(hook.path, {"enabled": True}, format="json").json()
    assert (back["enabled"], back["disabled_reason"], back["url"]) == (True, "", changes["url"])
    actions = list(AuditEvent.objects.about(hook.endpoint.external_id).values_list("action", flat=True))
    assert actions == ["webhook.created", "webhook.changed", "webhook.disabled", "webhook.enabled"]
    alice.api.patch(hook.path, {"enabled": True}, format="json")
    assert len(AuditEvent.objects.about(hook.endpoint.external_id)) == 4, "nothing changed"


def test_a_change_that_makes_no_sense_is_refused(hook: Hook, alice: Member) -> None:
    refused: list[dict[str, Any]] = [
        {"url": "https://192.168.0.1/"},
        {"events": []},
        {"enabled": "maybe"},
        {"secret": "x"},
    ]
    for changes in refused:
        assert alice.api.patch(hook.path, changes, format="json").status_code == 400

    assert hook.row.url == hook.endpoint.url


def test_it_is_deleted_with_its_deliveries(hook: Hook, alice: Member) -> None:
    alice.api.post(f"{hook.path}/test")
    assert alice.api.delete(hook.path).status_code == 204
    assert not WebhookDelivery.objects.exists()
    assert alice.api.delete(hook.path).status_code == 404
    assert AuditEvent.objects.filter(action="webhook.deleted").count() == 1


def test_its_secret_is_rotated(hook: Hook, alice: Member) -> None:
    answer = alice.api.post(f"{hook.path}/rotate-secret")
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert answer.json()["secret"] != hook.secret
    assert answer.json()["former_secret_until"] is not None
    assert "secret" not in alice.api.get(hook.path).json()


def test_a_test_message_is_sent_and_found_in_the_log(hook: Hook, alice: Member, receiver: Receiver) -> None:
    answer = alice.api.post(f"{hook.path}/test")
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    deliver_due()
    assert receiver.messages[0].verified(hook.secret)["type"] == "webhook.test"
    page = alice.api.get(f"{hook.path}/deliveries").json()
    (shown,) = page["results"]
    assert (shown["id"], shown["event"], shown["status"]) == (answer.json()["id"], "webhook.test", "delivered")
    assert (shown["attempt_count"], shown["response_status"], shown["response_body"]) == (1, 200, "ok")
    assert shown["payload"]["type"] == "webhook.test"
    assert alice.api.get(f"{hook.path}/deliveries?status=failed").json()["results"] == []
    assert alice.api.get(f"{hook.path}/deliveries?status=lost").status_code == 400


def test_a_delivery_is_replayed_under_its_id(hook: Hook, alice: Member, receiver: Receiver) -> None:
    first = alice.api.post(f"{hook.path}/test").json()["id"]
    path = f"{hook.path}/deliveries/{first}/replay"
    assert alice.api.post(path).json()["code"] == "delivery_pending"
    deliver_due()
    answer = alice.api.post(path)
    assert (answer.status_code, answer.json()["status"], answer.json()["attempt_count"]) == (202, "pending", 0)
    deliver_due()
    assert [message.id for message in receiver.messages] == [first, first]
    assert AuditEvent.objects.filter(action="webhook.replayed").count() == 1


def test_a_disabled_one_is_neither_tested_nor_replayed(hook: Hook, alice: Member) -> None:
    delivery = alice.api.post(f"{hook.path}/test").json()["id"]
    alice.api.patch(hook.path, {"enabled": False}, format="json")
    for path in (f"{hook.path}/test", f"{hook.path}/deliveries/{delivery}/replay"):
        answer = alice.api.post(path)
        assert (answer.status_code, answer.json()["code"]) == (409, "webhook_disabled")


def test_a_team_has_only_so_many(alice: Member) -> None:
    for _ in range(MOST_ENDPOINTS):
        assert create(alice).status_code == 201
    answer = create(alice)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_webhooks")


def _calls(hook: Hook) -> list[tuple[str, str]]:
    return [
        ("get", hook.path),
        ("patch", hook.path),
        ("delete", hook.path),
        ("post", f"{hook.path}/rotate-secret"),
        ("post", f"{hook.path}/test"),
        ("get", f"{hook.path}/deliveries"),
        ("post", f"{hook.path}/deliveries/{uuid.uuid4()}/replay"),
    ]


def test_another_teams_is_not_there(hook: Hook, charlie: Member) -> None:
    for method, path in _calls(hook):
        assert getattr(charlie.api, method)(path).status_code == 404, path
    assert charlie.api.get("/pdf/webhooks").json() == []
    assert hook.row.disabled_at is None


def test_another_endpoints_delivery_is_not_there(hook: Hook, hooked: Hooked, alice: Member) -> None:
    other = hooked()
    delivery = alice.api.post(f"{other.path}/test").json()["id"]
    assert alice.api.post(f"{hook.path}/deliveries/{delivery}/replay").status_code == 404


def test_viewers_may_not_and_strangers_are_asked_who_they_are(hook: Hook, bob: Member, client: Any) -> None:
    for method, path in [*_calls(hook), ("get", "/pdf/webhooks"), ("post", "/pdf/webhooks")]:
        assert getattr(bob.api, method)(path).status_code == 403
        assert getattr(client, method)(path).status_code == 401


def test_other_methods_answer_405(hook: Hook, alice: Member) -> None:
    assert alice.api.put(hook.path).status_code == 405
    assert alice.api.delete("/pdf/webhooks").status_code == 405
    assert alice.api.get(f"{hook.path}/test").status_code == 405


def test_a_teams_webhooks_go_with_it(hook: Hook, alice: Member) -> None:
    alice.api.post(f"{hook.path}/test")
    # What keeps a team is its audit log; the endpoints would not.
    with pytest.raises(ProtectedError) as kept:
        Team.objects.get(pk=alice.team.pk).delete()
    assert not [row for row in kept.value.protected_objects if isinstance(row, (WebhookEndpoint, WebhookDelivery))]
