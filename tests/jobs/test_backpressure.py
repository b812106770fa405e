"""How much may wait, and what a caller is told whose document does not fit any more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs_app import backpressure, transitions
from jobs_app.models import Job
from jobs_app.outcomes import Failure
from jobs_app.states import Status
from pdfservice.lib.errors import ServiceError
from pdfservice.teams.models import Team
from templates_app.models import TemplateVersion
from tests.conftest import Member
from tests.jobs.conftest import Submit, publish

URL = "/pdf/generate"
CLAIMED = Callable[[], Job]
CRASH = Failure(code="render_crash", message="It crashed.", permanent=False)
BROKEN = Failure(code="template_error", message="It does not compile.", permanent=True)


def limit_team(team: Team, jobs: int | None) -> None:
    """Let so many jobs of `team` wait."""
    team.max_queued = jobs
    team.save()


def post(member: Member, name: str, **more: Any) -> Any:
    """Ask for a letter to `name`."""
    return member.api.post(URL, {"template": "letter", "payload": {"name": name}, **more}, format="json")


def end(job: Job, *, seconds_ago: float = 1, status: Status = Status.CANCELLED) -> None:
    """Write down that `job` ended."""
    Job.objects.filter(pk=job.pk).update(status=status, finished_at=timezone.now() - timedelta(seconds=seconds_ago))


def fill_with_ended(job: Job, count: int) -> None:
    """Write down that so many more jobs ended within the last minute."""
    ended = {"status": Status.CANCELLED, "finished_at": timezone.now() - timedelta(seconds=30)}
    same = {"team": job.team, "template_version": job.template_version, "requested_by_key": job.requested_by_key}
    Job.objects.bulk_create([Job(**same, **ended, payload="{}", payload_hash="") for _ in range(count)])


def refused(team: Team, count: int = 1) -> ServiceError:
    """Return why `count` more may not wait."""
    backpressure.forget()
    error = backpressure.refusal(team=team, count=count)
    assert error is not None
    return error


def test_a_full_queue_of_a_team_refuses_with_the_limit_what_waits_and_when_to_come_back(
    alice: Member, letter: TemplateVersion
) -> None:
    limit_team(alice.team, 2)
    assert [post(alice, name).status_code for name in "ab"] == [202, 202]
    response = post(alice, "c")
    assert (response.status_code, response.json()["code"]) == (429, "queue_full")
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Retry-After"] == str(backpressure.UNMEASURED_SECONDS)
    assert response.json()["detail"] == (
        "The team's queue is full: 2 of at most 2 jobs wait. Send it again in 30 s. "
        "An operator may raise the team's max_queued."
    )
    assert Job.objects.count() == 2


def test_the_limit_is_the_services_default_unless_the_team_has_its_own(
    alice: Member, letter: TemplateVersion, settings: LazySettings
) -> None:
    settings.MAX_QUEUED = 1
    assert [post(alice, name).status_code for name in "ab"] == [202, 429]
    limit_team(alice.team, 3)
    assert [post(alice, name).status_code for name in "cde"] == [202, 202, 429]
    limit_team(alice.team, 0)
    assert post(alice, "f").status_code == 429


def test_one_teams_full_queue_is_not_another_teams(alice: Member, charlie: Member, letter: TemplateVersion) -> None:
    publish(charlie, "letter", "<h1>Dear {{ name }}</h1>")
    limit_team(alice.team, 1)
    assert [post(alice, name).status_code for name in "ab"] == [202, 429]
    assert post(charlie, "a").status_code == 202


def test_the_services_limit_holds_for_all_teams_together(
    alice: Member, charlie: Member, letter: TemplateVersion, settings: LazySettings
) -> None:
    publish(charlie, "letter", "<h1>Dear {{ name }}</h1>")
    settings.MAX_QUEUED_TOTAL = 2
    assert [post(alice, "a").status_code, post(charlie, "a").status_code] == [202, 202]
    for response in (post(alice, "b"), post(charlie, "b")):
        assert (response.status_code, response.json()["code"]) == (429, "queue_full")
        assert "service's queue is full: 2 of at most 2" in response.json()["detail"]


def test_what_a_worker_took_makes_room_and_what_waits_for_its_next_attempt_does_not(
    alice: Member, submit: Submit, claim: CLAIMED
) -> None:
    limit_team(alice.team, 1)
    submit()
    job = claim()
    assert post(alice, "b").status_code == 202
    limit_team(alice.team, 2)
    transitions.retry(job, CRASH, delay=timedelta(hours=1))
    assert post(alice, "c").status_code == 429


def test_another_teams_retries_take_no_room(alice: Member, charlie: Member, submit: Submit, claim: CLAIMED) -> None:
    submit()
    transitions.retry(claim(), CRASH, delay=timedelta(hours=1))
    limit_team(charlie.team, 1)
    assert backpressure.refusal(team=charlie.team, count=1) is None
    limit_team(alice.team, 1)
    assert refused(alice.team).code == "queue_full"


def test_a_request_that_an_earlier_job_answers_is_never_refused(alice: Member, letter: TemplateVersion) -> None:
    limit_team(alice.team, 1)
    first = post(alice, "a", priority=4).json()
    again = post(alice, "a", priority=4)
    assert (again.status_code, again.json()["id"], again.json()["deduplicated"]) == (202, first["id"], True)
    assert post(alice, "a", dedup=False).status_code == 429


@pytest.mark.django_db(transaction=True)
def test_equal_requests_that_meet_at_the_last_place_all_get_the_one_job(alice: Member, letter: TemplateVersion) -> None:
    limit_team(alice.team, 1)
    together = threading.Barrier(12)

    def ask(_: int) -> tuple[int, str]:
        try:
            together.wait(10)
            answer = post(alice, "a")
            return answer.status_code, answer.json().get("id")
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        answers = set(pool.map(ask, range(12)))
    assert answers == {(202, str(Job.objects.get().external_id))}


def test_a_repeat_with_the_same_idempotency_key_is_never_refused(alice: Member, letter: TemplateVersion) -> None:
    limit_team(alice.team, 1)
    body = {"template": "letter", "payload": {"name": "a"}, "dedup": False}
    answers = [alice.api.post(URL, body, format="json", headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    new = alice.api.post(URL, body, format="json", headers={"Idempotency-Key": "two"})
    assert new.status_code == 429


@pytest.mark.parametrize(("ended", "seconds"), [(1, 30), (5, 6), (600, 1)])
def test_retry_after_comes_from_what_ended_in_the_last_minute(
    alice: Member, submit: Submit, ended: int, seconds: int
) -> None:
    limit_team(alice.team, 1)
    fill_with_ended(submit(), ended)  # half a minute ago: the idle half before says nothing about the pace
    assert refused(alice.team).retry_after_s in (seconds, seconds + 1)


def test_retry_after_grows_with_what_has_to_end_first_up_to_a_bound(alice: Member, submit: Submit) -> None:
    for _ in range(10):
        job = submit()
    fill_with_ended(job, 1)
    limit_team(alice.team, 10)
    one, two, ten = (refused(alice.team, count=count).retry_after_s or 0 for count in (1, 2, 10))
    assert (one // 10, two // 10, ten) == (3, 6, backpressure.LATEST_SECONDS)


def test_what_ended_long_ago_or_in_another_team_says_nothing(
    alice: Member, charlie: Member, submit: Submit, letter: TemplateVersion
) -> None:
    job = submit()
    limit_team(alice.team, 0)
    end(job, seconds_ago=61)
    assert refused(alice.team).retry_after_s == backpressure.UNMEASURED_SECONDS
    end(job, seconds_ago=59)
    assert refused(alice.team).retry_after_s == 60
    limit_team(charlie.team, 0)
    assert refused(charlie.team).retry_after_s == backpressure.UNMEASURED_SECONDS


def test_many_jobs_go_in_whole_or_not_at_all(alice: Member, submit: Submit) -> None:
    limit_team(alice.team, 5)
    submit()
    with transaction.atomic():
        backpressure.admit(team=alice.team, count=4)
    with pytest.raises(ServiceError) as caught, transaction.atomic():
        backpressure.admit(team=alice.team, count=5)
    assert (caught.value.status, caught.value.code) == (429, "queue_full")
    assert "1 of at most 5 jobs wait, and 5 more do not fit" in caught.value.detail


@pytest.mark.django_db(transaction=True)
def test_two_batches_of_a_team_never_take_the_same_room(alice: Member, letter: TemplateVersion) -> None:
    limit_team(alice.team, 5)
    both_are_in = threading.Barrier(2)

    def insert() -> bool:
        try:
            with transaction.atomic():
                backpressure.admit(team=alice.team, count=3)
                with suppress(threading.BrokenBarrierError):  # as it should be: the other one is held off
                    both_are_in.wait(0.5)
                same = {"team": alice.team, "template_version": letter, "requested_by_key": alice.api_key}
                Job.objects.bulk_create([Job(**same, payload="{}", payload_hash="") for _ in range(3)])
        except ServiceError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        went_in = [pool.submit(insert) for _ in range(2)]
        assert sorted(each.result() for each in went_in) == [False, True]
    assert Job.objects.count() == 3


def test_more_than_ever_fit_are_told_so_instead_of_sent_back_again_and_again(
    alice: Member, settings: LazySettings
) -> None:
    limit_team(alice.team, 5)
    error = refused(alice.team, count=6)
    assert (error.status, error.code, error.retry_after_s) == (413, "too_large", None)
    limit_team(alice.team, None)
    settings.MAX_QUEUED_TOTAL = 3
    assert "the service's queue holds at most 3 jobs" in refused(alice.team, count=6).detail


def test_a_full_queue_that_is_dear_to_count_refuses_from_memory(
    alice: Member, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backpressure, "MANY", 2)
    limit_team(alice.team, 3)
    for _ in range(3):
        submit()
    refused(alice.team)
    with CaptureQueriesContext(connection) as asked:
        assert backpressure.refusal(team=alice.team, count=1) is not None
    assert len(asked) == 0


def test_a_figure_is_trusted_only_for_a_moment(alice: Member, submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backpressure, "MANY", 1)
    monkeypatch.setattr(backpressure, "TRUSTED_SECONDS", 0.0)
    limit_team(alice.team, 1)
    job = submit()
    assert backpressure.refusal(team=alice.team, count=1) is not None
    end(job)
    assert backpressure.refusal(team=alice.team, count=1) is None


def test_counting_stops_above_the_limit(alice: Member, submit: Submit) -> None:
    limit_team(alice.team, 2)
    backpressure.forget()
    with CaptureQueriesContext(connection) as asked:
        backpressure.refusal(team=alice.team, count=1)
    # PostgreSQL is asked several things at once.
    statements = [sql for query in asked for sql in query["sql"].split("; ")]
    counted = [sql for sql in statements if "COUNT" in sql]
    assert len(counted) == 4  # of the team and of all: who waits for a worker, who for the next attempt
    assert all("LIMIT" in sql for sql in counted)
    assert "LIMIT 3" in counted[0]


def test_a_job_is_sent_back_only_where_there_is_room(alice: Member, submit: Submit) -> None:
    cancelled = submit()
    transitions.cancel(cancelled, actor="test")
    submit()
    limit_team(alice.team, 1)
    url = f"/pdf/jobs/{cancelled.external_id}/retry"
    response = alice.api.post(url)
    assert (response.status_code, response.json()["code"]) == (429, "queue_full")
    assert "Retry-After" in response.headers
    cancelled.refresh_from_db()
    assert cancelled.status == Status.CANCELLED
    limit_team(alice.team, 2)
    assert alice.api.post(url).status_code == 200


def test_a_job_that_cannot_go_back_says_so_whatever_waits(alice: Member, submit: Submit) -> None:
    job = submit()
    limit_team(alice.team, 0)
    response = alice.api.post(f"/pdf/jobs/{job.external_id}/retry")
    assert (response.status_code, response.json()["code"]) == (409, "not_retryable")


def test_many_are_sent_back_until_the_queue_is_full(alice: Member, submit: Submit, claim: CLAIMED) -> None:
    for _ in range(3):
        submit()
        transitions.fail(claim(), BROKEN)
    limit_team(alice.team, 2)
    answers = [alice.api.post("/pdf/jobs/retry", {"error_code": "template_error"}, format="json") for _ in range(2)]
    assert (answers[0].status_code, answers[0].json()) == (200, {"retried": 2})
    assert (answers[1].status_code, answers[1].json()["code"]) == (429, "queue_full")
    limit_team(alice.team, 3)
    again = [alice.api.post("/pdf/jobs/retry", {"error_code": "template_error"}, format="json") for _ in range(2)]
    assert [answer.json() for answer in again] == [{"retried": 1}, {"retried": 0}]


def test_a_limit_for_one_team_above_that_for_all_is_warned_about(settings: LazySettings) -> None:
    settings.MAX_QUEUED, settings.MAX_QUEUED_TOTAL = 11, 10
    warned = [message for message in run_checks() if message.id == "jobs_app.W001"]
    assert len(warned) == 1
    assert "MAX_QUEUED_TOTAL" in str(warned[0].hint)
    settings.MAX_QUEUED_TOTAL = 11
    assert not [message for message in run_checks() if message.id == "jobs_app.W001"]
