"""Batches beside what bounds the queue, and what is left of them when they are old."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from downloads_app.models import StoredFile
from jobs_app import archive, backpressure, chores, transitions
from jobs_app.models import ArchiveFile, Batch, BatchItem, IdempotencyRecord, Job
from pdfservice.teams.models import AuditEvent
from templates_app.models import TemplateVersion
from tests.conftest import Member
from tests.jobs.conftest import accepted_batch, expand, letters, post_batch

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _three_fit(settings: LazySettings, letter: TemplateVersion) -> None:
    settings.MAX_QUEUED = 3


def test_a_batch_goes_into_the_queue_whole_or_not_at_all(alice: Member) -> None:
    assert post_batch(alice, letters("Ada", "Bea")).status_code == 202
    refused = post_batch(alice, letters("Cleo", "Dora"))
    assert (refused.status_code, refused.json()["code"]) == (429, "queue_full")
    assert int(refused["Retry-After"]) > 0
    assert Batch.objects.count() == 1
    assert StoredFile.objects.count() == 1, "what was refused is not stored"


def test_items_that_are_no_jobs_yet_take_their_place(alice: Member) -> None:
    assert post_batch(alice, letters("Ada", "Bea", "Cleo")).status_code == 202
    refused = alice.api.post("/pdf/generate", {"template": "letter", "payload": {"name": "Dora"}}, format="json")
    assert refused.status_code == 429
    expand()
    backpressure.forget()
    assert backpressure._waiting(None, 10, exactly=True) == 3, "each is counted once"


def test_a_file_takes_as_many_places_as_it_may_have_items(alice: Member) -> None:
    table = SimpleUploadedFile("people.csv", b"name\nAda\nBea\nCleo\nDora\n", "text/csv")
    refused = alice.api.post("/pdf/batches", {"template": "letter", "file": table}, format="multipart")
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


def test_failed_jobs_go_back_only_where_there_is_room_for_all(alice: Member) -> None:
    batch = accepted_batch(alice, letters("Ada", "Bea"))
    _end_all(batch)
    for name in ("Cleo", "Dora"):
        sent = alice.api.post("/pdf/generate", {"template": "letter", "payload": {"name": name}}, format="json")
        assert sent.status_code == 202
    refused = alice.api.post(f"/pdf/batches/{batch.external_id}/retry-failed")
    assert (refused.status_code, refused.json()["code"]) == (429, "queue_full")
    batch.refresh_from_db()
    assert batch.status == "failed"


def test_an_old_batch_leaves_after_its_jobs(alice: Member) -> None:
    batch = accepted_batch(alice, letters("Ada", "Bea"))
    _end_all(batch)
    old = timezone.now() - timedelta(days=31)
    Job.objects.update(finished_at=old)
    assert chores.forget_batches() == 0
    Batch.objects.update(finished_at=old)
    assert chores.forget_batches() == 0, "its jobs are still there"
    IdempotencyRecord.objects.all().delete()
    assert archive.archive_jobs() == 3
    assert ArchiveFile.objects.get(kind="jobs").row_count == 3, "two letters and the expansion"
    assert not Job.objects.exists()
    assert chores.forget_batches() == 1
    assert (Batch.objects.count(), BatchItem.objects.count(), StoredFile.objects.count()) == (0, 0, 0)
    event = AuditEvent.objects.get(action="batch.forgotten")
    assert (event.subject_id, event.data["total"]) == (batch.external_id, 2)
    assert alice.api.get(f"/pdf/batches/{batch.external_id}").status_code == 404


def test_a_batch_whose_jobs_were_archived_is_shown_as_long_as_it_is_there(alice: Member) -> None:
    batch = accepted_batch(alice, letters("Ada"))
    _end_all(batch)
    Job.objects.update(finished_at=timezone.now() - timedelta(days=31))
    IdempotencyRecord.objects.all().delete()
    assert archive.archive_jobs() == 2
    shown = alice.api.get(f"/pdf/batches/{batch.external_id}").json()
    assert shown["status"] == "failed"
    assert shown["counts"]["expired"] == 1


def _end_all(batch: Batch) -> None:
    from jobs_app.batches import settlement
    from tests.jobs.test_transitions import FINAL

    while job := transitions.claim(worker="test"):
        transitions.fail(job, FINAL)
    settlement.settle_open()
    settlement.discard_sources()
    batch.refresh_from_db()
    assert batch.status == "failed"
