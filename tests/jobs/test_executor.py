"""A worker's pipeline, with the real renderer."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pypdfium2
import pytest
from django.conf import LazySettings
from django.db import DatabaseError, InterfaceError, OperationalError

from downloads_app.models import FileState, StoredFile
from jobs_app import executor, shutdown, transitions
from jobs_app.handlers import render
from jobs_app.heartbeat import Heartbeat
from jobs_app.models import Job, JobAttempt
from jobs_app.states import Outcome, Status
from pdfservice.lib import storage
from templates_app import rendering
from templates_app.models import TemplateVersion
from templates_app.renderer.contracts import Engine, ErrorCode, RenderError
from templates_app.renderer.sandbox import Sandbox
from tests.conftest import Member
from tests.jobs.conftest import WORKER, Submit, publish

pytestmark = pytest.mark.django_db(transaction=True)


def work_off() -> int:
    """Do what a ticket does."""
    return executor.work_off(worker=WORKER)


@pytest.mark.parametrize("engine", list(Engine))
def test_a_job_becomes_a_pdf_in_storage(alice: Member, submit: Submit, engine: Engine) -> None:
    publish(alice, "letter", "<title>Letter</title><h1>Dear {{ name }}</h1><img src='asset:nothing.png'>", engine)
    job = submit({"name": "Ada & <b>co</b>"})
    assert work_off() == 1
    job.refresh_from_db()
    assert (job.status, job.attempt_count, job.page_count) == (Status.DONE, 1, 1)
    assert job.output is not None
    data = storage.read(job.output.key)
    assert job.output.key == f"pdf-output/{job.queued_at:%Y/%m}/{job.external_id}.pdf"
    assert (job.output.size_bytes, job.output.filename) == (len(data), "letter.pdf")
    with pypdfium2.PdfDocument(data) as pdf:
        text = pdf[0].get_textpage().get_text_range()
    assert "Dear Ada & <b>co</b>" in text
    assert any("nothing.png" in warning for warning in job.warnings)
    assert set(job.timings) == {"queue_ms", "render_ms", "total_ms"}
    attempt = JobAttempt.objects.get()
    assert attempt.outcome == Outcome.DONE
    assert attempt.peak_memory_kb


def test_the_first_document_leaves_a_schema_on_offer(submit: Submit) -> None:
    job = submit({"name": "Ada"})
    assert job.template_version is not None
    assert job.template_version.inferred_schema is None
    work_off()
    version = TemplateVersion.objects.get()
    assert version.inferred_schema is not None
    assert version.inferred_schema["required"] == ["name"]
    assert version.payload_schema is None


def test_options_reach_the_page(submit: Submit) -> None:
    job = submit(options={"page_size": "100mm 60mm", "orientation": "portrait"})
    work_off()
    job.refresh_from_db()
    assert job.output is not None
    with pypdfium2.PdfDocument(storage.read(job.output.key)) as pdf:
        assert [round(side / 72 * 25.4) for side in pdf[0].get_size()] == [60, 100]


@pytest.mark.parametrize("cut", [OperationalError, InterfaceError])
def test_a_database_that_breaks_off_costs_no_attempt(
    submit: Submit, monkeypatch: pytest.MonkeyPatch, cut: type[DatabaseError]
) -> None:
    def produce(job: Job) -> Any:
        raise cut("the connection is closed")

    job = submit()
    with monkeypatch.context() as patched:
        patched.setattr(render, "produce", produce)
        assert work_off() == 1
    job.refresh_from_db()
    assert (job.status, job.attempt_count, job.error_code) == (Status.QUEUED, 0, "database_error")
    assert job.run_at is not None
    Job.objects.update(run_at=None)
    work_off()
    job.refresh_from_db()
    assert (job.status, job.attempt_count, job.error_code) == (Status.DONE, 1, "")


def test_a_ticket_works_off_everything_that_is_due(submit: Submit) -> None:
    for number in range(5):
        submit({"name": f"number {number}"})
    assert work_off() == 5
    assert set(Job.objects.values_list("status", flat=True)) == {Status.DONE}
    assert work_off() == 0


class BrokenSandbox(Sandbox):
    """A renderer that starts on no host."""

    program = "tests.renderer.no_such_program"


def test_a_worker_whose_renderer_does_not_start_takes_no_jobs(
    submit: Submit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job = submit()
    with monkeypatch.context() as patch:
        broken = BrokenSandbox(scratch_root=tmp_path)
        patch.setattr(rendering, "sandbox", lambda: broken)
        assert work_off() == 0
        assert "no_such_program" in caplog.text
        job.refresh_from_db()
        assert (job.status, job.claim_number) == (Status.QUEUED, 0)
        broken.close()
    assert work_off() == 1


def test_a_template_error_ends_the_job_at_once_and_says_where(alice: Member, submit: Submit) -> None:
    publish(alice, "letter", "<h1>\n{{ name | nosuchfilter }}</h1>")
    job = submit()
    work_off()
    job.refresh_from_db()
    assert (job.status, job.error_code, job.attempt_count) == (Status.FAILED, "template_error", 1)
    assert job.error_detail == {"file": "html_source", "line": 2}
    assert "nosuchfilter" in job.error_message
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize(("partial", "line"), [("\n\n{{ nome }}", 3), ("\n{{ name | nosuchfilter }}", 2)])
def test_an_error_in_a_partial_names_the_partial(alice: Member, submit: Submit, partial: str, line: int) -> None:
    publish(alice, "letter", '<h1>{% include "greeting" %}</h1>', partials={"greeting": partial})
    job = submit()
    work_off()
    error = alice.api.get(f"/pdf/jobs/{job.external_id}").json()["error"]
    assert (error["file"], error["line"]) == ("partials/greeting", line)


def test_what_has_no_place_in_the_source_names_no_file() -> None:
    assert "file" not in executor.classify(RenderError(ErrorCode.RENDER_TIMEOUT, "slow", permanent=False)).detail


def test_a_value_that_is_missing_is_the_payloads_fault(submit: Submit) -> None:
    job = submit({"nome": "Ada"})
    work_off()
    job.refresh_from_db()
    assert (job.status, job.error_code) == (Status.FAILED, "payload_error")
    assert "name" in job.error_message


def test_a_crash_is_tried_again_later(submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(job: Job) -> None:
        raise RenderError(ErrorCode.RENDER_CRASH, "the renderer died", permanent=False, log="segfault")

    monkeypatch.setattr(render, "produce", crash)
    job = submit()
    work_off()
    job.refresh_from_db()
    assert (job.status, job.error_code) == (Status.QUEUED, "render_crash")
    assert job.run_at is not None
    assert JobAttempt.objects.get().log == "segfault"


def test_an_error_that_nobody_foresaw_shows_no_traceback_to_the_caller(
    submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprise(job: Job) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(render, "produce", surprise)
    job = submit()
    for _ in range(3):
        Job.objects.update(run_at=None)
        work_off()
    job.refresh_from_db()
    assert (job.status, job.attempt_count) == (Status.FAILED, 3)
    assert "secret" not in job.error_message


def test_a_worker_that_lost_its_claim_leaves_no_bytes(submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    job = submit()
    real = render.produce

    def slow(claimed: Job) -> Any:
        product = real(claimed)
        Job.objects.update(claim_number=7)
        return product

    monkeypatch.setattr(render, "produce", slow)
    work_off()
    job.refresh_from_db()
    assert (job.status, job.output) == (Status.PROCESSING, None)
    assert not StoredFile.objects.filter(state=FileState.LIVE).exists()
    with pytest.raises(storage.ObjectMissing):
        storage.read(f"pdf-output/{job.queued_at:%Y/%m}/{job.external_id}.pdf")


def test_a_worker_that_is_asked_to_stop_gives_its_job_back(
    alice: Member, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(alice, "letter", "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}")
    first, second = submit(), submit()
    asked: list[bool] = []
    real = Heartbeat.beating

    def ask_then_beat(heartbeat: Heartbeat) -> Any:
        asked.append(True)
        return real(heartbeat)

    monkeypatch.setattr(Heartbeat, "beating", ask_then_beat)
    monkeypatch.setattr(shutdown, "is_requested", lambda: bool(asked))
    assert work_off() == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.attempt_count, first.claim_number) == (Status.QUEUED, 0, 1)
    assert second.claim_number == 0


def test_a_ticket_whose_time_is_over_takes_no_other_job(submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = submit(), submit()
    real = transitions.claim

    def claim_until_time_is_over(*, worker: str) -> Job | None:
        over = time.monotonic() + executor.TICKET_SECONDS
        monkeypatch.setattr(executor, "time", SimpleNamespace(monotonic=lambda: over))
        return real(worker=worker)

    monkeypatch.setattr(transitions, "claim", claim_until_time_is_over)
    assert work_off() == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status, second.claim_number) == (Status.DONE, Status.QUEUED, 0)


def test_a_worker_whose_job_was_taken_stops_rendering_it(
    alice: Member, submit: Submit, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Heartbeat, "_interval", staticmethod(lambda: 0.0))
    publish(alice, "letter", "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}")
    job = submit()
    real: Callable[[Job], Any] = render.produce

    def taken(claimed: Job) -> Any:
        Job.objects.update(claim_number=9)
        return real(claimed)

    monkeypatch.setattr(render, "produce", taken)
    work_off()
    job.refresh_from_db()
    assert (job.status, job.claim_number) == (Status.PROCESSING, 9)
    assert JobAttempt.objects.get().outcome == Outcome.RUNNING
