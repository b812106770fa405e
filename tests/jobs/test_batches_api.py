"""Looking at batches, cancelling them and sending their failures back."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from jobs_app import executor, maintenance, transitions
from jobs_app.batches import settlement
from jobs_app.batches.items import insert_items
from jobs_app.handlers import expand as expansion
from jobs_app.models import Batch, Job
from jobs_app.outcomes import Failure
from jobs_app.states import BatchStatus, Kind, Status
from pdfservice.teams.models import AuditEvent
from templates_app.models import TemplateVersion
from tests.conftest import Member, client_with
from tests.jobs.conftest import WORKER, accepted_batch, expand, letters, post_batch

pytestmark = pytest.mark.django_db(transaction=True)

PLACES = [("get", ""), ("get", "/items"), ("get", "/file"), ("post", "/cancel"), ("post", "/retry-failed")]


def address(batch: Batch, place: str = "") -> str:
    """Return the address of a batch or of what is below it."""
    return f"/pdf/batches/{batch.external_id}{place}"


def fail_all(claim: Callable[[], Job], count: int) -> None:
    """Let the best `count` jobs fail for good."""
    for _ in range(count):
        job = claim()
        transitions.fail(job, Failure("template_error", "No.", permanent=True, detail={"path": "/name"}))
        settlement.settle_after(job)


@pytest.mark.parametrize(("method", "place"), PLACES)
def test_another_teams_batch_is_as_if_it_were_not_there(
    alice: Member, charlie: Member, letter: TemplateVersion, method: str, place: str
) -> None:
    batch = accepted_batch(alice, letters("Ada"))
    assert getattr(charlie.api, method)(address(batch, place)).status_code == 404
    assert getattr(charlie.api, method)(f"/pdf/batches/{uuid.uuid4()}{place}").status_code == 404
    assert getattr(client_with("pdf_x_y"), method)(address(batch, place)).status_code == 401
    wrong = "post" if method == "get" else "get"
    assert getattr(alice.api, wrong)(address(batch, place)).status_code == 405
    assert not Job.objects.filter(status=Status.CANCELLED).exists()


@pytest.mark.parametrize("place", ["/cancel", "/retry-failed"])
def test_a_viewer_may_look_but_not_steer(alice: Member, bob: Member, letter: TemplateVersion, place: str) -> None:
    batch = accepted_batch(alice, letters("Ada"))
    assert bob.api.post(address(batch, place)).status_code == 403
    assert bob.api.get(address(batch)).status_code == 200


def test_items_come_in_pages_in_their_order_and_by_status(alice: Member, letter: TemplateVersion) -> None:
    batch = accepted_batch(alice, [*letters("a", "b", "c"), "text"])
    page = alice.api.get(address(batch, "/items?page_size=3")).json()
    assert [row["reference"] for row in page["results"]] == ["a", "b", "c"]
    rest = alice.api.get(page["next"]).json()
    assert [(row["position"], row["status"]) for row in rest["results"]] == [(3, "failed")]
    assert rest["results"][0]["error"]["errors"] == [
        {"pointer": "/items/3", "message": "An item is an object with a payload."}
    ]
    assert rest["results"][0]["job_id"] is None
    failed = alice.api.get(address(batch, "/items?status=failed")).json()["results"]
    assert [row["position"] for row in failed] == [3]
    assert alice.api.get(address(batch, "/items?status=lost")).status_code == 400
    assert page["results"][0]["status_url"].endswith(page["results"][0]["job_id"])


def test_the_counts_follow_the_jobs(alice: Member, letter: TemplateVersion, claim: Callable[[], Job]) -> None:
    batch = accepted_batch(alice, letters("a", "b"))
    claim()
    counts = alice.api.get(address(batch)).json()["counts"]
    assert counts == {"queued": 1, "processing": 1, "done": 0, "failed": 0, "cancelled": 0, "expired": 0}


def test_cancelling_ends_what_waits_and_flags_what_is_made(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job]
) -> None:
    batch = accepted_batch(alice, letters("a", "b", "c"))
    held = claim()
    shown = alice.api.post(address(batch, "/cancel"))
    assert (shown.status_code, shown.json()["status"]) == (200, "processing")
    assert shown.json()["counts"]["cancelled"] == 2
    assert transitions.is_cancel_requested(held)
    again = alice.api.post(address(batch, "/cancel"))
    assert again.status_code == 200
    transitions.drop(held)
    settlement.settle_after(held)
    shown = alice.api.get(address(batch)).json()
    assert (shown["status"], shown["counts"]["cancelled"]) == ("cancelled", 3)
    refused = alice.api.post(address(batch, "/cancel"))
    assert (refused.status_code, refused.json()["code"]) == (409, "not_cancellable")
    assert AuditEvent.objects.filter(action="batch.cancelled", subject_id=batch.external_id).count() == 1
    assert AuditEvent.objects.filter(action="batch.cancel_requested").count() == 1
    assert AuditEvent.objects.filter(action="job.cancelled").count() == 3


def test_cancelling_before_the_expansion_makes_nothing(alice: Member, letter: TemplateVersion) -> None:
    post_batch(alice, letters("a"))
    batch = Batch.objects.get()
    assert alice.api.post(address(batch, "/cancel")).json()["status"] == "cancelled"
    assert Job.objects.get().status == Status.CANCELLED
    assert executor.work_off(worker=WORKER) == 0
    assert maintenance.run_once()["sources discarded"] == 1


def test_cancelling_while_it_is_expanded_stops_it(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job]
) -> None:
    post_batch(alice, letters("a"))
    batch, job = Batch.objects.get(), claim()
    assert alice.api.post(address(batch, "/cancel")).json()["status"] == "queued"
    executor.perform(job)
    settlement.settle_after(job)
    batch.refresh_from_db()
    assert batch.status == BatchStatus.CANCELLED
    assert not Job.objects.filter(kind=Kind.RENDER).exists()


def test_cancelling_between_two_chunks_stops_the_rest_and_what_was_made(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "CHUNK", 1)
    post_batch(alice, letters("a", "b"))
    batch, job = Batch.objects.get(), claim()

    def _then_cancel(*args: Any) -> bool:
        inserted = insert_items(*args)
        alice.api.post(address(batch, "/cancel"))
        return inserted

    monkeypatch.setattr(expansion, "insert_items", _then_cancel)
    executor.perform(job)
    settlement.settle_after(job)
    batch.refresh_from_db()
    assert batch.status == BatchStatus.CANCELLED
    assert [made.status for made in Job.objects.filter(kind=Kind.RENDER)] == [Status.CANCELLED]


def test_cancelling_leaves_jobs_alone_that_somebody_else_waits_for(alice: Member, letter: TemplateVersion) -> None:
    first = accepted_batch(alice, letters("a", "b", "c"))
    single = alice.api.post("/pdf/generate", {"template": "letter", "payload": {"name": "a"}}, format="json").json()
    post_batch(alice, letters("b"), priority=1)
    expand()
    second = Batch.objects.exclude(pk=first.pk).get()
    shown = alice.api.post(address(first, "/cancel")).json()
    assert (shown["status"], shown["counts"]["cancelled"]) == ("cancelled", 3)
    assert Job.objects.filter(kind=Kind.RENDER, status=Status.QUEUED).count() == 2
    assert alice.api.get(f"/pdf/jobs/{single['id']}").json()["status"] == "queued"
    assert alice.api.get(address(second)).json()["counts"]["queued"] == 1
    # Nor does the second, which shares a job that the first one made.
    assert alice.api.post(address(second, "/cancel")).json()["status"] == "cancelled"
    assert Job.objects.filter(kind=Kind.RENDER, status=Status.QUEUED).count() == 2


def test_retrying_sends_the_failed_jobs_back_in_order(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job]
) -> None:
    batch = accepted_batch(alice, [*letters("a", "b", "c"), "text"])
    fail_all(claim, 2)
    executor.work_off(worker=WORKER)
    batch.refresh_from_db()
    assert batch.status == BatchStatus.DONE
    shown = alice.api.post(address(batch, "/retry-failed"))
    assert (shown.status_code, shown.json()["status"], shown.json()["finished_at"]) == (200, "processing", None)
    assert shown.json()["counts"] == {
        "queued": 2, "processing": 0, "done": 1, "failed": 1, "cancelled": 0, "expired": 0,
    }  # fmt: skip
    assert [claim().payload, claim().payload] == ['{"name":"a"}', '{"name":"b"}']
    assert AuditEvent.objects.filter(action="job.revived").count() == 2


def test_a_retried_batch_ends_once_more(alice: Member, letter: TemplateVersion, claim: Callable[[], Job]) -> None:
    batch = accepted_batch(alice, letters("a"))
    fail_all(claim, 1)
    batch.refresh_from_db()
    assert (batch.status, batch.error_code) == (BatchStatus.FAILED, "no_document")
    assert alice.api.post(address(batch, "/retry-failed")).status_code == 200
    executor.work_off(worker=WORKER)
    shown = alice.api.get(address(batch)).json()
    assert (shown["status"], shown["error"]) == ("done", None)


def test_retrying_beside_identical_work_under_way(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job]
) -> None:
    batch = accepted_batch(alice, letters("a"))
    fail_all(claim, 1)
    alice.api.post("/pdf/generate", {"template": "letter", "payload": {"name": "a"}}, format="json")
    assert alice.api.post(address(batch, "/retry-failed")).json()["counts"]["queued"] == 1


def test_there_may_be_nothing_to_retry(alice: Member, letter: TemplateVersion, claim: Callable[[], Job]) -> None:
    batch = accepted_batch(alice, letters("a"))
    refused = alice.api.post(address(batch, "/retry-failed"))
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_retry")
    alice.api.post(address(batch, "/cancel"))
    refused = alice.api.post(address(batch, "/retry-failed"))
    assert (refused.status_code, refused.json()["code"]) == (409, "not_retryable")


def test_a_batch_of_separate_documents_has_no_file(alice: Member, letter: TemplateVersion) -> None:
    batch = accepted_batch(alice, letters("a"))
    executor.work_off(worker=WORKER)
    refused = alice.api.get(address(batch, "/file"))
    assert (refused.status_code, refused.json()["code"]) == (409, "no_file")


def test_a_verdict_that_was_overtaken_by_a_retry_changes_nothing(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job]
) -> None:
    batch = accepted_batch(alice, letters("a"))
    fail_all(claim, 1)
    alice.api.post(address(batch, "/retry-failed"))
    batch.refresh_from_db()
    assert not transitions.batch_failed(batch, {}, code="no_document", message="None.")
    assert not transitions.batch_done(batch, {})
    batch.refresh_from_db()
    assert batch.status == BatchStatus.PROCESSING
