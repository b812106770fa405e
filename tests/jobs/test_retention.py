"""What is personal is erased in time, and what was honoured long enough is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from downloads_app.models import StoredFile
from jobs_app import chores, maintenance, transitions
from jobs_app.models import IdempotencyRecord, Job, JobAttempt
from jobs_app.outcomes import Failure
from jobs_app.states import Status
from jobs_app.submission import RenderRequest, job_submit
from jobs_app.transitions.erasing import ERASED_MESSAGE
from pdfservice.teams.models import AuditEvent
from templates_app.models import TemplateVersion
from tests.conftest import Member
from tests.jobs.conftest import Submit
from tests.jobs.test_transitions import actions, result_for

pytestmark = pytest.mark.django_db(transaction=True)

DAY = 86_400
QUOTES = Failure(
    "payload_error",
    "'Ada Lovelace' has no number",
    permanent=True,
    detail={"file": "partials/line", "line": 3, "path": "/people/Ada Lovelace"},
    log="could not print Ada Lovelace",
)


@pytest.fixture
def dead_letter(submit: Submit, claim: Callable[[], Job]) -> Callable[..., Job]:
    """Return a function that makes a job fail, and lets it have ended so many days ago."""

    def _dead_letter(*, days: float, **wishes: Any) -> Job:
        options = {"filename": "Ada Lovelace.pdf", "page_size": "A4", "encryption": {"user_password": "Ada's own"}}
        submit({"name": "Ada Lovelace"}, **{"options": options, **wishes})
        job = claim()
        assert transitions.fail(job, QUOTES)
        ended(job, days)
        return job

    return _dead_letter


def ended(job: Job, days: float) -> None:
    """Let a job have ended so many days ago."""
    Job.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(days=days))


def test_nothing_of_the_payload_is_left_of_an_erased_dead_letter(dead_letter: Callable[..., Job]) -> None:
    job = dead_letter(days=8)
    assert chores.run_once()["erased"] == 1
    job.refresh_from_db()
    assert (job.status, job.error_code, job.error_message) == (Status.FAILED, "payload_error", ERASED_MESSAGE)
    assert (job.payload, job.error_detail, job.options) == (
        None,
        {"file": "partials/line", "line": 3},
        {"page_size": "A4"},
    )
    rows = [*Job.objects.values(), *JobAttempt.objects.values(), *AuditEvent.objects.values()]
    assert "Ada" not in str(rows)
    assert actions(job)[-1] == "job.erased"


def test_it_is_erased_once(dead_letter: Callable[..., Job]) -> None:
    job = dead_letter(days=8)
    assert [chores.run_once()["erased"] for _ in range(2)] == [1, 0]
    assert not transitions.erase(job)  # another loop that saw it too
    assert actions(job).count("job.erased") == 1


@pytest.mark.parametrize(
    ("days", "expires_in", "is_due"),
    [
        (6.9, 7 * DAY, False),
        (7.1, 7 * DAY, True),
        (0.9, 60, False),  # a day to notice it, however short the output would have been kept
        (1.1, 60, True),
        (29.9, None, False),
        (30.1, None, True),  # "keep for ever" is about outputs
        (30.1, 3650 * DAY, True),
    ],
)
def test_a_dead_letter_can_be_repeated_for_as_long_as_its_output_would_have_been_kept(
    dead_letter: Callable[..., Job], days: float, expires_in: int | None, is_due: bool
) -> None:
    job = dead_letter(days=days, options={}, keeps_default=False, expires_in=expires_in)
    assert chores.erase_payloads() == is_due
    assert transitions.revive(job, actor="test") != is_due


def test_the_archives_days_are_the_longest(dead_letter: Callable[..., Job], settings: LazySettings) -> None:
    settings.ARCHIVE_AFTER_DAYS = 3
    dead_letter(days=3.1, keeps_default=False, expires_in=None)
    assert chores.erase_payloads() == 1


def test_a_cancelled_jobs_payload_is_erased_and_a_waiting_ones_is_not(submit: Submit) -> None:
    cancelled, waiting = submit(), submit()
    transitions.cancel(cancelled, actor="test")
    ended(cancelled, 8)
    assert chores.erase_payloads() == 1
    cancelled.refresh_from_db()
    waiting.refresh_from_db()
    assert (cancelled.payload, cancelled.error_message) == (None, "The job was cancelled.")
    assert waiting.payload is not None


def test_an_expired_job_keeps_no_warning_option_or_log_either(submit: Submit, claim: Callable[[], Job]) -> None:
    submit(options={"filename": "Ada.pdf"})
    job = claim()
    transitions.complete(job, result_for(job))
    Job.objects.update(warnings=["refused http://ada.example/"])
    JobAttempt.objects.update(log="refused http://ada.example/")
    StoredFile.objects.update(expires_at=timezone.now())
    assert maintenance.run_once()["expired"] == 1
    job.refresh_from_db()
    assert (job.options, job.warnings, job.attempts.get().log) == ({}, [], "")


def test_an_idempotency_key_is_honoured_for_a_day_and_then_forgotten(alice: Member, letter: TemplateVersion) -> None:
    def send() -> Job:
        request = RenderRequest(template="letter", payload={"name": "Ada"}, dedup=False)
        return job_submit(caller=alice.caller, request=request, idempotency_key="k", body={}).job

    first = send()
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(hours=23.9))
    assert chores.run_once()["keys forgotten"] == 0
    assert send() == first
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(hours=24.1))
    assert chores.run_once()["keys forgotten"] == 1
    assert send() != first
    assert Job.objects.filter(pk=first.pk).exists()


def test_what_is_kept_how_long_counts_from_the_next_request_on_though_versions_are_remembered(
    alice: Member, letter: TemplateVersion
) -> None:
    def kept() -> int | None:
        request = RenderRequest(template="letter", payload={"name": "Ada"}, dedup=False)
        return job_submit(caller=alice.caller, request=request).job.expires_in

    TemplateVersion.objects.filter(pk=letter.pk).update(inferred_schema={})  # without one it is read each time
    template, team = letter.template, alice.caller.team
    for template_days, team_days, expected in (
        (None, 7, 7 * DAY),
        (None, 3, 3 * DAY),
        (2, 3, 2 * DAY),
        (None, 3, 3 * DAY),
    ):
        template.retention_days, team.retention_days = template_days, team_days
        template.save()
        team.save()
        assert kept() == expected
