"""Cancelling, sending back, and what was tried."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from jobs_app import executor, transitions
from jobs_app.handlers import render
from jobs_app.heartbeat import Heartbeat
from jobs_app.models import Job, JobAttempt
from jobs_app.states import Outcome, Status
from tests.conftest import Member
from tests.jobs.conftest import WORKER, Submit, publish
from tests.jobs.test_transitions import FINAL, PASSING, actions, result_for

pytestmark = pytest.mark.django_db
Claim = Callable[[], Job]


def cancel(who: Member, job: Job) -> Any:
    """Ask for the cancel."""
    return who.api.post(f"/pdf/jobs/{job.external_id}/cancel")


def retry(who: Member, job: Job) -> Any:
    """Ask for the retry."""
    return who.api.post(f"/pdf/jobs/{job.external_id}/retry")


def test_a_waiting_job_is_cancelled_at_once(alice: Member, submit: Submit) -> None:
    job = submit()
    response = cancel(alice, job)
    assert (response.status_code, response.json()["status"]) == (200, "cancelled")
    assert response.json()["error"]["code"] == "cancelled"
    assert transitions.claim(worker=WORKER) is None
    assert actions(job) == ["job.queued", "job.cancelled"]


def test_a_job_that_waits_for_its_retry_is_cancelled_too(alice: Member, submit: Submit, claim: Claim) -> None:
    job = submit()
    transitions.retry(claim(), PASSING, delay=timedelta(hours=1))
    assert cancel(alice, job).json()["status"] == "cancelled"


def test_a_job_under_way_is_flagged_once(alice: Member, submit: Submit, claim: Claim) -> None:
    job = submit()
    claim()
    for _ in range(2):
        shown = cancel(alice, job).json()
        assert shown["status"] == "processing"
        assert shown["cancel_requested_at"] is not None
    assert actions(job).count("job.cancel_requested") == 1


@pytest.mark.parametrize("arrow", ["retry", "release", "rescue", "drop"])
def test_a_flagged_job_ends_instead_of_going_back(submit: Submit, claim: Claim, arrow: str) -> None:
    submit()
    job = claim()
    assert transitions.request_cancel(job, actor="test")
    match arrow:
        case "retry":
            assert transitions.retry(job, PASSING, delay=timedelta())
        case "release":
            assert transitions.release(job)
        case "rescue":
            assert transitions.rescue(job, actor="test", worker_is_dead=True)
        case "drop":
            assert transitions.drop(job)
    job.refresh_from_db()
    assert job.status == Status.CANCELLED
    assert JobAttempt.objects.get().outcome == Outcome.CANCELLED


def test_a_job_that_was_finished_first_is_done(submit: Submit, claim: Claim) -> None:
    submit()
    job = claim()
    transitions.request_cancel(job, actor="test")
    assert transitions.complete(job, result_for(job))
    job.refresh_from_db()
    assert job.status == Status.DONE


@pytest.mark.django_db(transaction=True)
def test_the_renderers_child_is_killed_when_its_job_is_cancelled(
    alice: Member, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Heartbeat, "_interval", staticmethod(lambda: 0.0))
    publish(alice, "letter", "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}")
    job, real = submit(), render.produce

    def cancelled_meanwhile(claimed: Job) -> Any:
        transitions.request_cancel(claimed, actor="test")
        return real(claimed)

    monkeypatch.setattr(render, "produce", cancelled_meanwhile)
    executor.work_off(worker=WORKER)
    job.refresh_from_db()
    assert (job.status, job.attempt_count) == (Status.CANCELLED, 1)


def test_what_has_ended_cannot_be_cancelled(alice: Member, submit: Submit, claim: Claim) -> None:
    job = submit()
    transitions.fail(claim(), FINAL)
    response = cancel(alice, job)
    assert (response.status_code, response.json()["code"]) == (409, "not_cancellable")


def test_a_dead_letter_goes_back_with_new_attempts(alice: Member, submit: Submit, claim: Claim) -> None:
    job = submit()
    for _ in range(3):
        Job.objects.update(run_at=None)
        failing = claim()
        transitions.retry(failing, PASSING, delay=timedelta()) if failing.attempt_count < 3 else transitions.fail(
            failing, PASSING
        )
    assert retry(alice, job).json()["status"] == "queued"
    again = claim()
    assert (again.attempt_count, again.max_attempts, again.error_code) == (4, 6, "")
    assert actions(job)[-2:] == ["job.revived", "job.processing"]


@pytest.mark.parametrize("state", ["queued", "processing", "done"])
def test_only_failed_and_cancelled_jobs_go_back(alice: Member, submit: Submit, claim: Claim, state: str) -> None:
    job = submit()
    if state != "queued":
        claimed = claim()
        if state == "done":
            transitions.complete(claimed, result_for(claimed))
    response = retry(alice, job)
    assert (response.status_code, response.json()["code"]) == (409, "not_retryable")


def test_a_job_without_its_payload_cannot_go_back(alice: Member, submit: Submit) -> None:
    job = submit()
    transitions.cancel(job, actor="test")
    Job.objects.update(payload=None)
    assert retry(alice, job).json()["code"] == "payload_erased"


def test_a_job_does_not_go_back_beside_its_equal(alice: Member, submit: Submit, claim: Claim) -> None:
    job = submit(dedup=True)
    transitions.fail(claim(), FINAL)
    submit(dedup=True)
    response = retry(alice, job)
    assert (response.status_code, response.json()["code"]) == (409, "identical_under_way")


def test_all_of_a_kind_go_back_at_once(alice: Member, charlie: Member, submit: Submit, claim: Claim) -> None:
    jobs = [submit() for _ in range(4)]
    for failure in (FINAL, FINAL, PASSING, FINAL):
        transitions.fail(claim(), failure)

    def send_back(who: Member, **wish: Any) -> Any:
        return who.api.post("/pdf/jobs/retry", wish, format="json")

    assert send_back(charlie, error_code="template_error").json() == {"retried": 0}
    assert send_back(alice, ids=[str(jobs[0].external_id)]).json() == {"retried": 1}
    assert send_back(alice, error_code="template_error").json() == {"retried": 2}
    assert send_back(alice, template="letter").json() == {"retried": 1}
    assert send_back(alice).status_code == 400
    assert send_back(alice, ids=["x"]).status_code == 400


def test_the_attempts_tell_everything(alice: Member, submit: Submit, claim: Claim) -> None:
    job = submit()
    transitions.fail(claim(), FINAL)
    attempts = alice.api.get(f"/pdf/jobs/{job.external_id}/attempts").json()
    assert [(row["number"], row["worker"], row["outcome"], row["error_code"]) for row in attempts] == [
        (1, WORKER, "failed", "template_error")
    ]


@pytest.mark.parametrize("what", ["cancel", "retry"])
def test_strangers_and_viewers_steer_nothing(
    alice: Member, bob: Member, charlie: Member, submit: Submit, what: str
) -> None:
    address = f"/pdf/jobs/{submit().external_id}/{what}"
    assert charlie.api.post(address).status_code == 404
    assert bob.api.post(address).status_code == 403
    assert alice.api.get(address).status_code == 405
    assert alice.api.post(f"/pdf/jobs/{uuid4()}/{what}").status_code == 404
    assert Job.objects.get().status == Status.QUEUED
