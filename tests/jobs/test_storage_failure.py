"""Storage that refuses."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from downloads_app.models import FileState, StoredFile
from jobs_app import delivery, executor, shutdown, spool, transitions
from jobs_app.handlers import render
from jobs_app.models import Job, JobAttempt
from jobs_app.states import Outcome, Status
from pdfservice.lib import storage
from tests.jobs.conftest import WORKER, Submit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _spool_of_this_test(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture
def blocked(tmp_path: Path) -> Path:
    """A file where the storage wants its directory; unlink it, and the storage works again."""
    path = tmp_path / "files"
    path.write_text("in the way")
    return path


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on a storage that refuses at once."""
    monkeypatch.setattr(delivery, "PATIENCE_SECONDS", 0.0)


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The jobs that were rendered, one entry a time."""
    jobs: list[Job] = []
    real = render.produce

    def produce(job: Job) -> Any:
        jobs.append(job)
        return real(job)

    monkeypatch.setattr(render, "produce", produce)
    return jobs


def work_off() -> None:
    """Make what waits for its retry due, and do what a ticket does."""
    Job.objects.filter(status=Status.QUEUED).update(run_at=None)
    executor.work_off(worker=WORKER)


def test_the_upload_alone_is_repeated_until_the_storage_takes_it(
    submit: Submit, rendered: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = iter([True, True, False])
    real = storage.put

    def put(key: str, data: bytes, *, content_type: str) -> storage.StoredObject:
        if next(refusals):
            raise storage.StorageUnavailable("busy")
        return real(key, data, content_type=content_type)

    monkeypatch.setattr(storage, "put", put)
    monkeypatch.setattr(delivery, "_FIRST_PAUSE_SECONDS", 0.01)
    job = submit()
    work_off()
    job.refresh_from_db()
    assert (job.status, job.attempt_count, len(rendered)) == (Status.DONE, 1, 1)
    assert spool.find(job) is None


def test_a_job_waits_for_the_storage_at_no_attempt(
    submit: Submit, blocked: Path, impatient: None, rendered: list[Job]
) -> None:
    job = submit()
    for _ in range(5):
        work_off()
        waiting = Job.objects.get()
        assert (waiting.status, waiting.error_code, waiting.attempt_count) == (Status.QUEUED, "storage_error", 0)
        assert waiting.run_at is not None
    assert not StoredFile.objects.filter(state=FileState.LIVE).exists()
    assert set(JobAttempt.objects.values_list("outcome", flat=True)) == {Outcome.RELEASED}
    blocked.unlink()
    work_off()
    done = Job.objects.get()
    assert (done.status, done.attempt_count, done.error_code) == (Status.DONE, 1, "")
    assert done.output is not None
    assert storage.read(done.output.key).startswith(b"%PDF")
    assert len(rendered) == 1, "the spooled document was uploaded, not rendered again"
    assert spool.find(job) is None


@pytest.mark.parametrize("spoilt", ["late", "torn", "other work", "gone"])
def test_a_spooled_document_that_is_not_sure_is_rendered_again(
    submit: Submit, blocked: Path, impatient: None, rendered: list[Job], monkeypatch: pytest.MonkeyPatch, spoilt: str
) -> None:
    job = submit()
    work_off()
    (path,) = (blocked.parent / "spool").iterdir()
    match spoilt:
        case "late":
            monkeypatch.setattr(spool, "DEADLINE_SECONDS", -1.0)
        case "torn":
            path.write_bytes(path.read_bytes()[:-1])
        case "other work":
            Job.objects.update(options={"filename": "other.pdf"})
        case "gone":
            path.unlink()
    blocked.unlink()
    work_off()
    assert Job.objects.get(pk=job.pk).status == Status.DONE
    assert len(rendered) == 2


def test_a_worker_that_is_asked_to_stop_does_not_stand_before_a_storage(
    submit: Submit, blocked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit()
    kept: list[bool] = []
    real = spool.keep

    def keep_then_stop(spooled: Job, product: Any) -> bool:
        kept.append(real(spooled, product))
        return True

    monkeypatch.setattr(spool, "keep", keep_then_stop)
    monkeypatch.setattr(shutdown, "is_requested", lambda: bool(kept))
    executor.work_off(worker=WORKER)
    job.refresh_from_db()
    assert (job.status, job.attempt_count) == (Status.QUEUED, 0)
    assert spool.find(job) is not None


class Killed(BaseException):
    """What SIGKILL is to a worker: nothing after it runs."""


def test_a_worker_that_is_lost_before_a_storage_costs_no_attempt(
    submit: Submit, blocked: Path, rendered: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(seconds: float, is_in_vain: object) -> bool:
        raise Killed

    job = submit()
    with monkeypatch.context() as patched:
        patched.setattr(delivery, "_wait", wait)
        for _ in range(2 * transitions.ATTEMPTS):
            with pytest.raises(Killed):
                work_off()
            held = Job.objects.get()
            assert (held.status, held.attempt_count, held.is_spooled) == (Status.PROCESSING, 1, True)
            assert transitions.rescue(held, actor="test", worker_is_dead=True)
            waiting = Job.objects.get()
            assert (waiting.status, waiting.attempt_count, waiting.is_spooled) == (Status.QUEUED, 0, False)
    blocked.unlink()
    work_off()
    job.refresh_from_db()
    assert (job.status, job.attempt_count, len(rendered)) == (Status.DONE, 1, 1)
    assert set(JobAttempt.objects.values_list("outcome", flat=True)) == {Outcome.RELEASED, Outcome.DONE}


def test_a_spool_that_is_rendered_again_counts_the_lost_worker(
    submit: Submit, blocked: Path, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit()
    work_off()
    monkeypatch.setattr(spool, "DEADLINE_SECONDS", -1.0)

    def produce(job: Job) -> Any:
        raise Killed

    monkeypatch.setattr(render, "produce", produce)
    with pytest.raises(Killed):
        work_off()
    held = Job.objects.get()
    assert transitions.rescue(held, actor="test", worker_is_dead=True)
    held.refresh_from_db()
    assert (held.status, held.attempt_count, held.error_code) == (Status.QUEUED, 1, "render_crash")


def test_a_cancel_ends_the_wait_for_the_storage(submit: Submit, blocked: Path, impatient: None) -> None:
    job = submit()
    claimed = transitions.claim(worker=WORKER)
    assert claimed is not None
    transitions.request_cancel(claimed, actor="test")
    executor.perform(claimed)
    job.refresh_from_db()
    assert job.status == Status.CANCELLED


def test_a_storage_that_never_comes_back_makes_a_dead_letter(submit: Submit, blocked: Path, impatient: None) -> None:
    job = submit()
    Job.objects.update(queued_at=timezone.now() - timedelta(hours=25))
    work_off()
    job.refresh_from_db()
    assert (job.status, job.error_code) == (Status.FAILED, "storage_error")


def test_a_full_disk_loses_nothing_either(submit: Submit, blocked: Path, impatient: None, tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    submit()
    work_off()
    assert Job.objects.get().status == Status.QUEUED
    blocked.unlink()
    work_off()
    assert Job.objects.get().status == Status.DONE


def test_what_is_past_its_deadline_is_swept(
    submit: Submit, blocked: Path, impatient: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    submit()
    work_off()
    assert spool.sweep() == 0
    monkeypatch.setattr(spool, "DEADLINE_SECONDS", -1.0)
    assert spool.sweep() == 1
    assert list((tmp_path / "spool").iterdir()) == []
