"""A connection that breaks after the database has committed, and before it could say so."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from downloads_app.models import FileState, StoredFile
from jobs_app import executor, transitions
from jobs_app.handlers import render
from jobs_app.handlers.product import Product
from jobs_app.models import Job
from jobs_app.states import Status
from pdfservice.lib import storage
from templates_app.renderer.contracts import Engine, Language
from templates_app.services import VersionSource, version_publish_new
from tests.conftest import Member

PDF = b"%PDF-1.7 in short"


@pytest.fixture
def claimed(alice: Member, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job of Alice's that this process holds and can make at once."""

    def produce(_: Job) -> Product:
        return Product(data=PDF, content_type="application/pdf", filename="a.pdf", page_count=1, render_ms=1)

    monkeypatch.setattr(render, "produce", produce)
    source = VersionSource(language=Language.JINJA2, engine=Engine.PLUTOBOOK, html_source="<p>short</p>")
    version_publish_new(team=alice.team, slug="short", name="Short", source=source, actor="tests")
    answer = alice.api.post("/pdf/generate", {"template": "short", "payload": {}}, format="json")
    assert answer.status_code == 202
    job = transitions.claim(worker="host/1")
    assert job is not None
    return job


@pytest.mark.django_db(transaction=True)
def test_an_output_is_kept_when_the_answer_to_its_commit_is_lost(claimed: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    complete = transitions.complete

    def complete_and_lose_the_answer(job: Job, result: Any) -> bool:
        assert complete(job, result)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(transitions, "complete", complete_and_lose_the_answer)
    executor.perform(claimed)
    claimed.refresh_from_db()
    assert claimed.status == Status.DONE
    assert claimed.output is not None
    assert claimed.output.state == FileState.LIVE
    assert storage.read(claimed.output.key) == PDF


@pytest.mark.django_db(transaction=True)
def test_an_output_whose_commit_failed_is_left_to_the_sweep(claimed: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bool:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(transitions, "complete", fail)
    executor.perform(claimed)
    claimed.refresh_from_db()
    assert (claimed.status, claimed.attempt_count) == (Status.QUEUED, 0)
    assert [file.state for file in StoredFile.objects.all()] == [FileState.PENDING]
