"""Compare the database with the model of test_state_machine.py."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from downloads_app.models import FileState, StoredFile
from jobs_app.models import Job, JobAttempt
from jobs_app.states import Outcome, Status
from pdfservice.teams.models import AuditEvent
from tests.jobs.conftest import WORKER
from tests.jobs.model import Expected, Model


def assert_rows(model: Model, teams: Sequence[int]) -> None:
    """Assert that each job is in the state that the model says; `teams` are the keys of the model's teams."""
    for job in Job.objects.filter(pk__in=model.jobs):
        expected = model.jobs[job.pk]
        found = Expected(
            pk=job.pk,
            team=teams.index(job.team_id),
            cache_key=job.cache_key,
            priority=job.effective_priority,
            turn=job.turn,
            status=Status(job.status),
            attempts=job.attempt_count,
            most_attempts=job.max_attempts,
            claims=job.claim_number,
            waits=job.run_at is not None,
            is_cancel_requested=job.cancel_requested_at is not None,
            is_spooled=job.is_spooled,
            has_output=job.output_id is not None,
            has_payload=job.payload is not None,
            # These are in other tables.
            outcomes=expected.outcomes,
            events=expected.events,
        )
        assert found == expected
        assert 0 <= job.attempt_count <= job.max_attempts
        is_held = job.status == Status.PROCESSING
        assert (job.claimed_by, job.lease_expires_at is not None) == (WORKER if is_held else "", is_held)


def assert_attempts(model: Model) -> None:
    """Assert that each claim has left one attempt, and that only a held job has one that runs."""
    found: dict[int, list[Any]] = {pk: [] for pk in model.jobs}
    for attempt in JobAttempt.objects.filter(job__in=model.jobs).order_by("claim_number"):
        found[attempt.job_id].append(attempt.outcome)
        assert (attempt.finished_at is None) == (attempt.outcome == Outcome.RUNNING)
    for pk, expected in model.jobs.items():
        assert found[pk] == expected.outcomes
        assert len(found[pk]) == expected.claims
        assert found[pk].count(Outcome.RUNNING) == (expected.status == Status.PROCESSING)


def assert_events(model: Model) -> None:
    """Assert that each step has left one event."""
    names = dict(Job.objects.filter(pk__in=model.jobs).values_list("external_id", "pk"))
    found: dict[int, list[str]] = defaultdict(list)
    for event in AuditEvent.objects.filter(subject_id__in=names).order_by("id"):
        if event.subject_id is not None:
            found[names[event.subject_id]].append(event.action)
    assert found == {pk: each.events for pk, each in model.jobs.items()}


def assert_outputs(model: Model) -> None:
    """Assert that every finished job has one live output, no other has any, and nothing is left pending."""
    live = StoredFile.objects.filter(state=FileState.LIVE).values_list("job", flat=True)
    assert sorted(live) == sorted(pk for pk, each in model.jobs.items() if each.status == Status.DONE)
    assert not StoredFile.objects.filter(state=FileState.PENDING).exists()
