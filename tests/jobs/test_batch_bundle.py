"""The one file of a batch: a zip, or a merged PDF."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pypdfium2
import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from downloads_app.models import StoredFile
from jobs_app import delivery, executor, maintenance, transitions
from jobs_app.handlers import bundle as handler
from jobs_app.models import Batch, Job
from jobs_app.outcomes import Failure
from jobs_app.states import BatchStatus, Kind, OutputMode, Status
from pdfservice.teams.models import AuditEvent
from templates_app.models import TemplateVersion
from tests.conftest import Member
from tests.jobs.conftest import WORKER, accepted_batch, letters

pytestmark = pytest.mark.django_db(transaction=True)


def finished_batch(asker: Member, items: list[Any], **more: Any) -> Batch:
    """Ask for a batch and carry it to its end."""
    batch = accepted_batch(asker, items, **more)
    executor.work_off(worker=WORKER)
    batch.refresh_from_db()
    return batch


def file_of(asker: Member, batch: Batch, **headers: str) -> Any:
    """Ask for the batch's file."""
    return asker.api.get(f"/pdf/batches/{batch.external_id}/file", headers=headers)


def bytes_of(response: Any) -> bytes:
    """Return what a stream gave."""
    assert response.status_code == 200, response
    return b"".join(response.streaming_content)


def text_of(data: bytes) -> list[str]:
    """Return the words of each page."""
    with pypdfium2.PdfDocument(data) as pdf:
        return [page.get_textpage().get_text_range().strip() for page in pdf]


def test_a_zip_holds_the_documents_in_order_and_a_list_of_all(alice: Member, letter: TemplateVersion) -> None:
    items = [*letters("Ada", "Bea"), "text", {"payload": {}, "reference": "=cmd()"}]
    batch = finished_batch(alice, items, output="zip")
    assert (batch.status, batch.error_code) == (BatchStatus.DONE, "")
    shown = alice.api.get(f"/pdf/batches/{batch.external_id}").json()
    response = file_of(alice, batch)
    assert response.headers["Content-Type"] == "application/zip"
    assert response.headers["ETag"] == f'"{shown["output_hash"]}"'
    assert ".zip" in response.headers["Content-Disposition"]
    assert shown["file_url"].endswith("/file")
    with zipfile.ZipFile(io.BytesIO(bytes_of(response))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["Ada.pdf", "Bea.pdf", "manifest.csv"]
        assert "Dear Bea" in text_of(archive.read("Bea.pdf"))[0]
        rows = list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode())))
    assert [(row["status"], row["filename"], row["error_code"]) for row in rows] == [
        ("done", "Ada.pdf", ""),
        ("done", "Bea.pdf", ""),
        ("failed", "", "payload_error"),
        ("failed", "", "payload_error"),
    ]
    assert rows[3]["reference"] == "'=cmd()"
    assert AuditEvent.objects.filter(action="batch.done").count() == 1


def test_names_in_a_zip_are_safe_and_no_two_alike(alice: Member, letter: TemplateVersion) -> None:
    references = ["../../etc/passwd", "..", "a.pdf", "A", "a", "a (2)", "con", "x" * 200, ""]
    references += ["C:\\b", "\u202efdp", "é", "e\u0301"]
    items = [{"payload": {"name": str(n)}, "reference": text} for n, text in enumerate(references)]
    batch = finished_batch(alice, items, output="zip")
    with zipfile.ZipFile(io.BytesIO(bytes_of(file_of(alice, batch)))) as archive:
        names = archive.namelist()[:-1]
        texts = [text_of(archive.read(name))[0] for name in names]
    assert texts == [f"Dear {n}" for n in range(len(references))]
    assert len({name.casefold() for name in names}) == len(references)
    assert not any("/" in name or "\\" in name or name.startswith(".") or ":" in name for name in names)
    assert names[2:5] == ["a.pdf", "A (2).pdf", "a (3).pdf"]
    assert names[6] == "_con.pdf"
    assert names[8] == "letter.pdf"


def test_a_merged_pdf_has_every_page_and_a_bookmark_per_document(alice: Member, letter: TemplateVersion) -> None:
    items = [*letters("Ada", "Bea"), {"payload": {"name": "Cleo"}, "options": {"filename": "third.pdf"}}, "text"]
    batch = finished_batch(alice, items, output="merged")
    assert batch.status == BatchStatus.DONE
    response = file_of(alice, batch)
    assert response.headers["Content-Type"] == "application/pdf"
    data = bytes_of(response)
    assert text_of(data) == ["Dear Ada", "Dear Bea", "Dear Cleo"]
    with pypdfium2.PdfDocument(data) as pdf:
        marks = [(mark.get_title(), mark.get_dest().get_index()) for mark in pdf.get_toc()]
    assert marks == [("Ada", 0), ("Bea", 1), ("third", 2)]
    bundle = Job.objects.get(kind=Kind.BUNDLE)
    assert (bundle.page_count, bundle.requested_by_key) == (3, alice.api_key)
    listed = alice.api.get("/pdf/jobs").json()["results"]
    assert "bundle" in {job["kind"] for job in listed}


def test_the_file_resumes_by_range(alice: Member, letter: TemplateVersion) -> None:
    batch = finished_batch(alice, letters("Ada"), output="zip")
    response = file_of(alice, batch, Range="bytes=0-3")
    assert (response.status_code, b"".join(response.streaming_content)) == (206, b"PK\x03\x04")
    assert file_of(alice, batch, **{"If-None-Match": response.headers["ETag"]}).status_code == 304


def test_there_is_no_file_before_the_end(alice: Member, letter: TemplateVersion) -> None:
    refused = file_of(alice, accepted_batch(alice, letters("Ada"), output="zip"))
    assert (refused.status_code, refused.json()["code"]) == (409, "not_done")


def test_the_file_expires(alice: Member, letter: TemplateVersion) -> None:
    batch = finished_batch(alice, letters("Ada"), output="zip")
    StoredFile.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert file_of(alice, batch).status_code == 410
    maintenance.run_once()
    assert file_of(alice, batch).status_code == 410
    shown = alice.api.get(f"/pdf/batches/{batch.external_id}").json()
    assert (shown["status"], shown["file_url"], shown["counts"]["expired"]) == ("done", None, 1)


def test_a_batch_without_a_document_makes_no_file(alice: Member, letter: TemplateVersion) -> None:
    batch = finished_batch(alice, [{"payload": {}}], output="zip")
    assert (batch.status, batch.bundle, batch.error_code) == (BatchStatus.FAILED, None, "no_document")


def test_two_who_settle_at_once_queue_one_file(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job]
) -> None:
    batch = accepted_batch(alice, letters("Ada"), output="zip")
    executor.perform(claim())
    stale = Batch.objects.get()
    maintenance.run_once()
    assert not transitions.batch_bundle(stale, Job(team=alice.team, kind=Kind.BUNDLE, requested_by_key=alice.api_key))
    assert Job.objects.filter(kind=Kind.BUNDLE).count() == 1
    batch.refresh_from_db()
    assert batch.status == BatchStatus.PROCESSING


def test_a_file_that_would_be_too_large_fails_the_batch_and_says_so(
    alice: Member, letter: TemplateVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(handler.MAX_BYTES, OutputMode.MERGED, 10)
    batch = finished_batch(alice, letters("Ada"), output="merged")
    assert (batch.status, batch.error_code) == (BatchStatus.FAILED, "too_large")
    # Its documents are there all the same, and once there is room the file is made by a retry.
    assert Job.objects.get(kind=Kind.RENDER).status == Status.DONE
    monkeypatch.undo()
    assert alice.api.post(f"/pdf/batches/{batch.external_id}/retry-failed").status_code == 200
    maintenance.run_once()
    executor.work_off(worker=WORKER)
    batch.refresh_from_db()
    assert batch.status == BatchStatus.DONE


def test_after_a_retry_the_file_is_made_anew(alice: Member, letter: TemplateVersion, claim: Callable[[], Job]) -> None:
    batch = accepted_batch(alice, letters("Ada", "Bea"), output="zip")
    transitions.fail(claim(), Failure("render_crash", "No.", permanent=True))
    executor.work_off(worker=WORKER)
    batch.refresh_from_db()
    first = batch.bundle
    assert batch.status == BatchStatus.DONE
    assert alice.api.post(f"/pdf/batches/{batch.external_id}/retry-failed").json()["file_url"] is None
    executor.work_off(worker=WORKER)
    batch.refresh_from_db()
    assert batch.status == BatchStatus.DONE
    assert batch.bundle != first
    with zipfile.ZipFile(io.BytesIO(bytes_of(file_of(alice, batch)))) as archive:
        assert archive.namelist() == ["Ada.pdf", "Bea.pdf", "manifest.csv"]


def test_cancelling_the_file_cancels_the_batch(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job]
) -> None:
    batch = accepted_batch(alice, letters("Ada"), output="zip")
    executor.perform(claim())
    maintenance.run_once()
    assert alice.api.post(f"/pdf/batches/{batch.external_id}/cancel").json()["status"] == "cancelled"
    assert Job.objects.get(kind=Kind.BUNDLE).status == Status.CANCELLED


def test_a_zip_that_the_storage_refuses_is_made_again(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = accepted_batch(alice, letters("Ada"), output="zip")
    executor.perform(claim())
    maintenance.run_once()
    monkeypatch.setattr(delivery, "PATIENCE_SECONDS", 0.0)
    with monkeypatch.context() as broken:
        broken.setattr(default_storage, "save", _refuse)
        executor.perform(claim())
    bundle = Job.objects.get(kind=Kind.BUNDLE)
    assert (bundle.status, bundle.error_code, bundle.attempt_count) == (Status.QUEUED, "storage_error", 0)
    Job.objects.filter(pk=bundle.pk).update(run_at=None)
    executor.work_off(worker=WORKER)
    batch.refresh_from_db()
    assert batch.status == BatchStatus.DONE
    assert b"".join(file_of(alice, batch).streaming_content)[:2] == b"PK"


def _refuse(*_: object) -> str:
    raise OSError("The disk is full.")
