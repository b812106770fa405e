"""The worker's part of a batch: items become rows and jobs, once, whatever happens to the worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from downloads_app.models import FileState
from jobs_app import executor, maintenance, transitions
from jobs_app.batches import settlement
from jobs_app.batches.items import insert_items
from jobs_app.handlers import expand as handler
from jobs_app.models import Batch, BatchItem, Job
from jobs_app.states import BatchStatus, Kind, OutputMode, Status
from pdfservice.lib import storage
from pdfservice.teams.models import AuditEvent
from templates_app.models import TemplateVersion
from templates_app.renderer.contracts import RenderInterrupted
from tests.conftest import Member
from tests.jobs.conftest import WORKER, Submit, accepted_batch, expand, letters, post_batch, publish

pytestmark = pytest.mark.django_db(transaction=True)


def rendering() -> Any:
    """Return the jobs that make documents."""
    return Job.objects.filter(kind=Kind.RENDER)


def test_items_become_jobs_in_their_order_with_successive_turns(alice: Member, letter: TemplateVersion) -> None:
    batch = accepted_batch(alice, letters("Ada", "Bea", "Cleo"), priority=3, options={"filename": "a.pdf"})
    assert (batch.status, batch.total) == (BatchStatus.PROCESSING, 3)
    rows = list(batch.items.select_related("job"))
    assert [(row.position, row.reference, row.owns_job) for row in rows] == [
        (0, "Ada", True),
        (1, "Bea", True),
        (2, "Cleo", True),
    ]
    jobs = [row.job for row in rows if row.job]
    assert [job.payload for job in jobs] == ['{"name":"Ada"}', '{"name":"Bea"}', '{"name":"Cleo"}']
    assert [job.turn - jobs[0].turn for job in jobs] == [0, 1, 2]
    assert {(job.priority, job.options["filename"], job.status) for job in jobs} == {(3, "a.pdf", Status.QUEUED)}
    assert {job.requested_by_key for job in jobs} == {alice.api_key}
    assert AuditEvent.objects.filter(action="job.queued", subject_id__in=[job.external_id for job in jobs]).count() == 3
    expansion = Job.objects.get(kind=Kind.EXPAND)
    assert (expansion.status, expansion.output) == (Status.DONE, None)
    assert AuditEvent.objects.for_team(alice.team).about(expansion.external_id).count() == 3


def test_the_stored_items_are_deleted_once_they_are_expanded(alice: Member, letter: TemplateVersion) -> None:
    batch = accepted_batch(alice, letters("Ada"))
    assert batch.source is not None
    assert (batch.source.state, batch.source.bytes_deleted_at is not None) == (FileState.DELETED, True)
    with pytest.raises(storage.ObjectMissing):
        storage.read(batch.source.key)


def test_misfits_become_failed_items_with_their_pointers(
    alice: Member, letter: TemplateVersion, settings: LazySettings
) -> None:
    settings.MAX_PAYLOAD_BYTES = 1024
    items = [
        {"payload": {"name": "Ada"}},
        "text",
        {"payload": []},
        {"reference": "r"},
        {"payload": {}, "options": {"filename": "a/b", "colour": 1}},
        {"payload": {}, "reference": 7 * ["x"]},
        {"payload": {"name": "x" * 2000}},
        {"payload": {}, "refrence": "r"},
    ]
    batch = accepted_batch(alice, items)
    found = {row.position: (row.error_code, [fault["pointer"] for fault in row.errors]) for row in batch.items.all()}
    assert found == {
        0: ("", []),
        1: ("payload_error", ["/items/1"]),
        2: ("payload_error", ["/items/2/payload"]),
        3: ("payload_error", ["/items/3/payload"]),
        4: ("payload_error", ["/items/4/options/filename", "/items/4/options/colour"]),
        5: ("payload_error", ["/items/5/reference"]),
        6: ("too_large", ["/items/6/payload"]),
        7: ("payload_error", ["/items/7/refrence"]),
    }
    assert rendering().count() == 1


def test_a_batch_of_misfits_only_fails_with_one_event(alice: Member, letter: TemplateVersion) -> None:
    batch = accepted_batch(alice, ["text"])
    assert (batch.status, batch.error_code) == (BatchStatus.FAILED, "no_document")
    maintenance.run_once()
    assert AuditEvent.objects.filter(action="batch.failed", subject_id=batch.external_id).count() == 1


@pytest.mark.parametrize("chunk", [1, 500])
def test_equal_items_share_one_job_and_earlier_work_answers(
    alice: Member, letter: TemplateVersion, submit: Submit, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(handler, "CHUNK", chunk)
    earlier = submit({"name": "Ada"}, dedup=True, expires_in=60, keeps_default=False, priority=9)
    batch = accepted_batch(alice, letters("Ada", "Bea", "Bea"))
    rows = list(batch.items.all())
    assert [row.owns_job for row in rows] == [False, True, False]
    assert rows[0].job_id == earlier.pk
    assert rows[1].job_id == rows[2].job_id
    earlier.refresh_from_db()
    assert (earlier.is_shared, earlier.expires_in, earlier.priority) == (True, 7 * 86_400, 5)
    own = rows[1].job
    assert own is not None
    assert not own.is_shared
    assert len(alice.api.get(f"/pdf/jobs?batch={batch.external_id}").json()["results"]) == 2


def test_a_document_that_is_done_answers_and_is_kept_as_long(alice: Member, submit: Submit) -> None:
    submit({"name": "Ada"}, dedup=True, expires_in=60, keeps_default=False)
    executor.work_off(worker=WORKER)
    batch = accepted_batch(alice, letters("Ada"), expires_in=None)
    assert batch.status == BatchStatus.DONE
    job = Job.objects.get(kind=Kind.RENDER)
    assert job.output is not None
    assert job.output.expires_at is None


def test_expanding_again_after_a_kill_in_the_middle_doubles_nothing(
    alice: Member, letter: TemplateVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "CHUNK", 2)
    post_batch(alice, letters("a", "b", "c", "d", "e"))
    first = transitions.claim(worker=WORKER)
    assert first is not None
    calls = []
    insert = insert_items

    def _dies(batch: Batch, job: Job, items: Any) -> bool:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return insert(batch, job, items)

    monkeypatch.setattr(handler, "insert_items", _dies)
    with pytest.raises(KeyboardInterrupt):
        handler.produce(first)
    monkeypatch.setattr(handler, "insert_items", insert)
    assert BatchItem.objects.count() == 2
    transitions.rescue(first, actor="test", worker_is_dead=True)
    expand_kind = Job.objects.filter(kind=Kind.EXPAND)
    expand_kind.update(effective_priority=1)
    expand()
    # The one that was given up for dead comes back and changes nothing.
    handler.produce(first)
    assert list(BatchItem.objects.values_list("position", flat=True)) == [0, 1, 2, 3, 4]
    assert rendering().count() == 5
    assert Batch.objects.get().expanded_at is not None


def test_a_lost_claim_inserts_nothing(alice: Member, letter: TemplateVersion, claim: Callable[[], Job]) -> None:
    post_batch(alice, letters("Ada"))
    lost = claim()
    transitions.rescue(lost, actor="test", worker_is_dead=True)
    handler.produce(lost)
    assert not BatchItem.objects.exists()


def test_a_worker_that_is_asked_to_stop_ends_between_chunks(
    alice: Member, letter: TemplateVersion, monkeypatch: pytest.MonkeyPatch, claim: Callable[[], Job]
) -> None:
    monkeypatch.setattr(handler, "CHUNK", 1)
    post_batch(alice, letters("a", "b"))
    insert = insert_items

    def _stopped(*args: Any) -> bool:
        handler.interrupt()
        return insert(*args)

    monkeypatch.setattr(handler, "insert_items", _stopped)
    with pytest.raises(RenderInterrupted):
        handler.produce(claim())
    assert BatchItem.objects.count() == 1


def test_an_expansion_that_fails_for_good_fails_the_batch(alice: Member, letter: TemplateVersion) -> None:
    batch_id = post_batch(alice, letters("Ada")).json()["id"]
    batch = Batch.objects.get()
    assert batch.source is not None
    storage.delete(batch.source.key)
    for _ in range(3):
        Job.objects.update(run_at=None)
        expand()
    shown = alice.api.get(f"/pdf/batches/{batch_id}").json()
    assert (shown["status"], shown["error"]["code"]) == ("failed", "storage_error")
    assert not Job.objects.filter(kind=Kind.RENDER).exists()


def test_the_end_of_the_last_job_ends_the_batch_once(alice: Member, letter: TemplateVersion) -> None:
    batch = accepted_batch(alice, [*letters("Ada", "Bea"), {"payload": {}}])
    executor.work_off(worker=WORKER)
    batch.refresh_from_db()
    assert batch.status == BatchStatus.DONE
    shown = alice.api.get(f"/pdf/batches/{batch.external_id}").json()
    assert (shown["counts"]["done"], shown["counts"]["failed"], shown["total"]) == (2, 1, 3)
    assert shown["errors"][0]["position"] == 2
    assert shown["errors"][0]["error"]["code"] == "payload_error"
    settlement.settle(batch)
    assert AuditEvent.objects.filter(action="batch.done", subject_id=batch.external_id).count() == 1


def test_a_lost_wake_up_is_healed_by_maintain(alice: Member, letter: TemplateVersion, claim: Callable[[], Job]) -> None:
    batch = accepted_batch(alice, letters("Ada"))
    executor.perform(claim())
    assert Batch.objects.get().status == BatchStatus.PROCESSING
    assert maintenance.run_once()["settled"] == 1
    batch.refresh_from_db()
    assert batch.status == BatchStatus.DONE
    assert maintenance.run_once()["settled"] == 0


def test_jobs_of_a_batch_let_another_teams_job_go_first(
    alice: Member, charlie: Member, letter: TemplateVersion, claim: Callable[[], Job]
) -> None:
    publish(charlie, "letter", "<p>{{ name }}</p>")
    accepted_batch(alice, letters(*"abcdefgh"))
    charlie.api.post("/pdf/generate", {"template": "letter", "payload": {"name": "x"}}, format="json")
    assert charlie.team in {claim().team for _ in range(3)}


def test_an_item_whose_job_is_gone_is_expired(alice: Member, letter: TemplateVersion) -> None:
    batch = accepted_batch(alice, letters("Ada"))
    Job.objects.filter(kind=Kind.RENDER).delete()
    assert batch.items.counts()[Status.EXPIRED] == 1
    assert alice.api.get(f"/pdf/batches/{batch.external_id}/items").json()["results"][0]["status"] == "expired"


@pytest.mark.slow
def test_ten_thousand_items_cost_a_bounded_number_of_queries(alice: Member, letter: TemplateVersion) -> None:
    items = [{"payload": {"name": f"number {number}"}} for number in range(10_000)]
    assert post_batch(alice, items, output=OutputMode.SEPARATE).status_code == 202
    job = transitions.claim(worker=WORKER)
    assert job is not None
    with CaptureQueriesContext(connection) as queries:
        handler.produce(job)
    # Twenty chunks, each the same statements; SQLite takes a wide row's columns for 26 rows at a time.
    assert len(queries) < 20 * 45
    assert rendering().count() == BatchItem.objects.count() == 10_000
    with CaptureQueriesContext(connection) as queries:
        alice.api.get(f"/pdf/batches/{Batch.objects.get().external_id}")
    assert len(queries) < 8


def test_an_item_that_does_not_fit_the_schema_fails_alone_with_pointers_into_the_request(alice: Member) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    publish(alice, "strict", "<p>{{ name }}", payload_schema=schema)
    batch = accepted_batch(alice, [*letters("Ada"), {"payload": {"name": 5}}], template="strict")
    good, bad = batch.items.order_by("position")
    assert good.job is not None
    assert (bad.job, bad.error_code) == (None, "payload_error")
    assert [fault["pointer"] for fault in bad.errors] == ["/items/1/payload/name"]
