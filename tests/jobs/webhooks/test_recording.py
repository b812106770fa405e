"""Events become deliveries, in the event's own transaction."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from downloads_app.models import StoredFile
from jobs_app import executor, maintenance, transitions
from jobs_app.batches import settlement
from jobs_app.models import Job, WebhookDelivery
from jobs_app.outcomes import Failure
from jobs_app.webhooks.services import webhook_change
from pdfservice.teams.models import AuditEvent
from templates_app.models import TemplateVersion
from tests.conftest import Member
from tests.jobs.conftest import Submit, accepted_batch, letters
from tests.jobs.webhooks.conftest import Hook, Hooked

pytestmark = pytest.mark.django_db


@pytest.fixture
def done(submit: Submit, claim: Callable[[], Job]) -> Callable[[], Job]:
    """Make a letter."""

    def make() -> Job:
        submit({"name": "Ada Lovelace"})
        job = claim()
        executor.perform(job)
        job.refresh_from_db()
        return job

    return make


def told(hook: Hook) -> list[tuple[str, dict[str, Any]]]:
    bodies = [json.loads(delivery.body) for delivery in hook.deliveries]
    return [(body["type"], body["data"]) for body in bodies]


def test_a_job_that_is_done_is_told_with_its_hash_and_address(
    hook: Hook, done: Callable[[], Job], settings: LazySettings
) -> None:
    job = done()
    assert job.output is not None
    ((event, data),) = told(hook)
    assert event == "job.done"
    assert data == {
        "id": str(job.external_id),
        "kind": "render",
        "template": "letter",
        "version": 1,
        "status_url": f"{settings.PUBLIC_URL}/pdf/jobs/{job.external_id}",
        "page_count": 1,
        "output_hash": job.output.sha256,
    }
    (delivery,) = hook.deliveries
    (audited,) = AuditEvent.objects.filter(action="job.done")
    assert json.loads(delivery.body)["timestamp"] == audited.at.isoformat()


def test_failures_cancellations_and_expiry_are_told(
    hook: Hook, submit: Submit, claim: Callable[[], Job], alice: Member, done: Callable[[], Job]
) -> None:
    expiring = done()
    StoredFile.objects.filter(job=expiring).update(expires_at=timezone.now())
    maintenance.expire_outputs()
    cancelled = submit()
    alice.api.post(f"/pdf/jobs/{cancelled.external_id}/cancel")
    submit()
    failing = claim()
    assert transitions.fail(failing, Failure("template_error", "Ada cannot be printed", permanent=True))
    events = told(hook)
    assert [event for event, _ in events] == ["job.done", "job.expired", "job.cancelled", "job.failed"]
    assert events[-1][1]["error_code"] == "template_error"
    assert "Ada" not in str(events)
    assert events[-1][1]["id"] == str(failing.external_id)


def test_batches_are_told_and_the_job_that_expands_them_is_not(
    hook: Hook, alice: Member, letter: TemplateVersion
) -> None:
    batch = accepted_batch(alice, letters("Ada", "Bob"))
    while (job := transitions.claim(worker="here/1")) is not None:
        executor.perform(job)
    settlement.settle_open()
    events = told(hook)
    assert sorted(event for event, _ in events) == ["batch.done", "job.done", "job.done"]
    (data,) = [data for event, data in events if event == "batch.done"]
    assert data["id"] == str(batch.external_id)
    assert data["counts"]["done"] == 2


def test_links_are_told_with_their_job_and_without_who_used_them(
    hook: Hook, done: Callable[[], Job], alice: Member, client: Client
) -> None:
    job = done()
    link = alice.api.post(f"/pdf/jobs/{job.external_id}/links", {}, format="json").json()
    path = link["download_url"].partition("//")[2].partition("/")[2]
    client.get(f"/{path}", headers={"User-Agent": "Mozilla"}, REMOTE_ADDR="192.0.2.7").getvalue()
    client.get(f"/{path}", headers={"User-Agent": "Mozilla"}, REMOTE_ADDR="192.0.2.7")
    alice.api.delete(f"/pdf/links/{link['id']}")
    events = told(hook)
    assert [event for event, _ in events] == [
        "job.done",
        "link.created",
        "link.redeemed",
        "link.refused",
        "link.revoked",
    ]
    for _, data in events[1:]:
        assert (data["id"], data["job"]) == (link["id"], str(job.external_id))
    assert events[3][1]["reason"] == "link_spent"
    everything = json.dumps(events)
    assert "192.0.2.7" not in everything
    assert "Mozilla" not in everything
    assert path.split("/")[1] not in everything, "the token"


def test_nothing_of_a_payload_is_told(hook: Hook, done: Callable[[], Job]) -> None:
    done()
    assert all("Ada" not in delivery.body for delivery in hook.deliveries)


def test_an_endpoint_hears_what_it_asked_for(hooked: Hooked, done: Callable[[], Job]) -> None:
    failures, all_of_them = hooked("job.failed"), hooked()
    done()
    assert (len(failures.deliveries), len(all_of_them.deliveries)) == (0, 1)


def test_another_teams_endpoint_hears_nothing(hooked: Hooked, charlie: Member, done: Callable[[], Job]) -> None:
    theirs = hooked(member=charlie)
    done()
    assert theirs.deliveries == []


def test_a_disabled_endpoint_hears_nothing(hook: Hook, alice: Member, done: Callable[[], Job]) -> None:
    webhook_change(caller=alice.caller, webhook_id=hook.endpoint.external_id, enabled=False)
    done()
    assert hook.deliveries == []


def test_what_is_rolled_back_is_not_told(hook: Hook, submit: Submit) -> None:
    job = submit()
    with transaction.atomic():
        transitions.cancel(job, actor="test")
        assert WebhookDelivery.objects.count() == 1
        transaction.set_rollback(True)
    assert WebhookDelivery.objects.count() == 0


def test_a_team_without_endpoints_pays_one_query(submit: Submit, alice: Member, hooked: Hooked) -> None:
    first, second = submit(), submit()
    with CaptureQueriesContext(connection) as queries:
        transitions.cancel(first, actor="test")
    about_hooks = [query for query in queries if "webhook" in query["sql"]]
    assert len(about_hooks) == 1
    hooked()
    transitions.cancel(second, actor="test")
    assert WebhookDelivery.objects.count() == 1
