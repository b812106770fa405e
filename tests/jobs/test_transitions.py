"""The arrows between the states of a job."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from downloads_app import services as files
from downloads_app.models import FileState
from jobs_app import transitions
from jobs_app.models import Job, JobAttempt
from jobs_app.outcomes import Failure, Result
from jobs_app.states import Outcome, Status
from pdfservice.lib import storage
from pdfservice.teams.models import AuditEvent
from tests.jobs.conftest import WORKER, Submit

PASSING = Failure("render_timeout", "too slow", permanent=False)
FINAL = Failure("template_error", "no such filter", permanent=True, detail={"line": 3})


def result_for(job: Job) -> Result:
    """Reserve and store an output as the executor does."""
    key = storage.output_key(job.queued_at, job.external_id, job.claim_number)
    file = files.file_reserve(team=job.team, key=key, filename="x.pdf")
    stored = storage.put(key, b"%PDF-1.7", content_type="application/pdf")
    return Result(file_id=file.pk, stored=stored, page_count=1)


def actions(job: Job) -> list[str]:
    """Return what the audit log tells of a job, oldest first."""
    return list(AuditEvent.objects.about(job.external_id).values_list("action", flat=True))


def test_a_claim_counts_the_attempt_and_grows_the_token(submit: Submit, claim: Callable[[], Job]) -> None:
    submit()
    job = claim()
    assert (job.status, job.attempt_count, job.claim_number, job.claimed_by) == (Status.PROCESSING, 1, 1, WORKER)
    assert job.lease_expires_at is not None
    assert job.lease_expires_at > timezone.now() + timedelta(seconds=20)
    assert JobAttempt.objects.get().outcome == Outcome.RUNNING
    assert transitions.claim(worker=WORKER) is None


def test_the_best_job_is_claimed_first(submit: Submit, claim: Callable[[], Job]) -> None:
    low, high, next_high = submit(priority=9), submit(priority=2), submit(priority=2)
    assert [claim().pk for _ in range(3)] == [high.pk, next_high.pk, low.pk]


def test_a_finished_job_has_its_output(submit: Submit, claim: Callable[[], Job]) -> None:
    submitted = submit(keeps_default=False, expires_in=3600)
    job = claim()
    assert transitions.complete(job, result_for(job))
    submitted.refresh_from_db()
    assert submitted.status == Status.DONE
    assert submitted.output is not None
    assert submitted.output.state == FileState.LIVE
    assert submitted.output.expires_at is not None
    assert submitted.finished_at is not None
    assert submitted.output.expires_at == submitted.finished_at + timedelta(seconds=3600)
    assert actions(job) == ["job.queued", "job.processing", "job.done"]


def test_only_the_current_claim_may_finish(submit: Submit, claim: Callable[[], Job]) -> None:
    submit()
    zombie = claim()
    assert transitions.rescue(zombie, actor="test", worker_is_dead=True)
    successor = claim()
    assert successor.claim_number == 2
    late = result_for(zombie)
    assert not transitions.complete(zombie, late)
    assert not transitions.fail(zombie, FINAL)
    assert not transitions.retry(zombie, PASSING, delay=timedelta())
    assert not transitions.release(zombie)
    assert not transitions.renew(zombie)
    assert not transitions.rescue(zombie, actor="test", worker_is_dead=True)
    assert transitions.complete(successor, result_for(successor))
    assert actions(successor).count("job.done") == 1
    assert not transitions.complete(successor, late)


def test_a_failed_job_tells_why(submit: Submit, claim: Callable[[], Job]) -> None:
    submitted = submit()
    assert transitions.fail(claim(), FINAL)
    submitted.refresh_from_db()
    assert (submitted.status, submitted.error_code, submitted.error_detail) == (
        Status.FAILED,
        "template_error",
        {"line": 3},
    )
    attempt = JobAttempt.objects.get()
    assert (attempt.outcome, attempt.error_message) == (Outcome.FAILED, "no such filter")


def test_a_retry_waits_until_it_is_due(submit: Submit, claim: Callable[[], Job]) -> None:
    submitted = submit()
    assert transitions.retry(claim(), PASSING, delay=timedelta(hours=1))
    assert transitions.claim(worker=WORKER) is None
    assert transitions.promote_due() == 0
    Job.objects.filter(pk=submitted.pk).update(run_at=timezone.now() - timedelta(seconds=1))
    assert transitions.promote_due() == 1
    assert claim().attempt_count == 2


def test_a_job_without_attempts_left_is_not_sent_back(submit: Submit, claim: Callable[[], Job]) -> None:
    submit()
    Job.objects.update(max_attempts=1)
    job = claim()
    assert not transitions.retry(job, PASSING, delay=timedelta())
    assert transitions.fail(job, PASSING)


def test_a_released_job_has_its_attempt_back_but_the_token_grew(submit: Submit, claim: Callable[[], Job]) -> None:
    submit()
    assert transitions.release(claim())
    job = claim()
    assert (job.attempt_count, job.claim_number) == (1, 2)
    assert list(JobAttempt.objects.values_list("outcome", flat=True)) == [Outcome.RELEASED, Outcome.RUNNING]


def test_a_job_whose_lease_holds_is_not_rescued(submit: Submit, claim: Callable[[], Job]) -> None:
    submit()
    job = claim()
    assert not Job.objects.lease_lost().exists()
    assert not transitions.rescue(job, actor="test")


def test_a_job_that_kills_its_worker_ends_after_the_last_attempt(submit: Submit, claim: Callable[[], Job]) -> None:
    submitted = submit()
    for _ in range(3):
        job = claim()
        Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        assert [lost.pk for lost in Job.objects.lease_lost()] == [job.pk]
        assert transitions.rescue(job, actor="test")
    submitted.refresh_from_db()
    assert (submitted.status, submitted.error_code, submitted.attempt_count) == (Status.FAILED, "render_crash", 3)
    assert transitions.claim(worker=WORKER) is None
    assert set(JobAttempt.objects.values_list("outcome", flat=True)) == {Outcome.LOST}


def test_a_job_expires_with_its_output_and_forgets_its_payload(submit: Submit, claim: Callable[[], Job]) -> None:
    submitted = submit(keeps_default=False, expires_in=3600)
    job = claim()
    transitions.complete(job, result_for(job))
    assert not transitions.expire(job)
    submitted.refresh_from_db()
    assert submitted.output is not None
    type(submitted.output).objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert transitions.expire(job)
    assert not transitions.expire(job)
    submitted.refresh_from_db()
    assert (submitted.status, submitted.payload) == (Status.EXPIRED, None)
    assert submitted.payload_hash


@pytest.mark.parametrize(
    "impossible",
    [
        {"status": Status.DONE},
        {"status": Status.PROCESSING},
        {"status": Status.FAILED, "finished_at": timezone.now()},
        {"finished_at": timezone.now()},
        {"status": "dancing"},
        {"attempt_count": 4},
        {"priority": 11},
        {"requested_by_key": None},
        {"template_version": None},
        {"claimed_by": "someone"},
    ],
)
def test_the_database_refuses_the_impossible(submit: Submit, impossible: dict[str, object]) -> None:
    job = submit()
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(**impossible)
