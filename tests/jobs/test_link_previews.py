"""`POST /pdf/jobs/{id}/links` with `"preview": true`: a picture of the first page, drawn once by a confined process."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from PIL import Image

from downloads_app.models import DownloadLink, StoredFile
from jobs_app import executor
from jobs_app.models import Job
from pdfservice.lib import storage
from tests.conftest import Member
from tests.jobs.conftest import Submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def done(submit: Submit, claim: Callable[[], Job]) -> Job:
    """A letter that is made."""
    submit()
    job = claim()
    executor.perform(job)
    job.refresh_from_db()
    assert job.status == "done"
    return job


def output_of(job: Job) -> StoredFile:
    return StoredFile.objects.get(job=job)


def make_link(member: Member, job: Job, **wishes: Any) -> Any:
    return member.api.post(f"/pdf/jobs/{job.external_id}/links", wishes, format="json")


def token_of(answer: Any) -> str:
    return str(answer.json()["url"].rpartition("/")[2])


def test_the_page_shows_the_first_page_of_the_document(alice: Member, done: Job, client: Client) -> None:
    answer = make_link(alice, done, preview=True)
    assert (answer.status_code, answer.json()["preview"]) == (201, True)
    response = client.get(f"/d/{token_of(answer)}/preview")
    picture = Image.open(io.BytesIO(response.content))
    assert (picture.format, picture.size) == ("PNG", (566, 800))  # A4
    dark = [pixel for pixel in picture.convert("L").crop((0, 0, 566, 200)).tobytes() if pixel < 80]
    assert len(dark) > 100, "the heading is in the picture"
    assert "<dt>Pages</dt><dd>1</dd>" in client.get(f"/d/{token_of(answer)}").content.decode()


def test_it_is_drawn_once_for_all_links(alice: Member, done: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    make_link(alice, done, preview=True)
    drawn_at = output_of(done).preview_at
    monkeypatch.setattr("templates_app.pictures.first_page", None)
    assert make_link(alice, done, preview=True).status_code == 201
    assert output_of(done).preview_at == drawn_at


def test_without_the_wish_nothing_is_drawn(alice: Member, done: Job) -> None:
    assert make_link(alice, done).json()["preview"] is False
    assert output_of(done).preview_key == ""


def test_what_cannot_be_drawn_is_refused_and_no_link_made(alice: Member, done: Job) -> None:
    file = output_of(done)
    storage.put(file.key, b"%PDF-1.7 and nothing else", content_type="application/pdf")
    answer = make_link(alice, done, preview=True)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "preview_impossible")
    assert problem["errors"][0]["pointer"] == "/preview"
    assert not DownloadLink.objects.exists()


def test_what_is_no_pdf_or_too_large_is_refused(alice: Member, done: Job) -> None:
    StoredFile.objects.filter(job=done).update(content_type="application/zip")
    assert make_link(alice, done, preview=True).status_code == 422
    StoredFile.objects.filter(job=done).update(content_type="application/pdf", size_bytes=1 << 30)
    assert make_link(alice, done, preview=True).status_code == 422


def test_another_team_gets_no_picture(charlie: Member, bob: Member, done: Job) -> None:
    assert make_link(charlie, done, preview=True).status_code == 404
    assert make_link(bob, done, preview=True).status_code == 403
    assert output_of(done).preview_key == ""


def test_a_wish_that_makes_no_sense_is_refused(alice: Member, done: Job) -> None:
    answer = make_link(alice, done, preview="perhaps")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/preview")
