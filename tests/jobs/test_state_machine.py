"""A model of the state machine walks it at random, stale holders included, and compares after each step.

`MODEL_EXAMPLES=1000 pytest tests/jobs/test_state_machine.py` looks for longer.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from downloads_app import services as files
from downloads_app.models import StoredFile
from jobs_app import fairness, transitions
from jobs_app.models import Job
from jobs_app.states import Kind, Outcome, Status
from jobs_app.transitions import ATTEMPTS
from pdfservice.teams.models import Team, User
from templates_app.models import TemplateVersion
from tests.conftest import Member
from tests.jobs.comparison import assert_attempts, assert_events, assert_outputs, assert_rows
from tests.jobs.conftest import WORKER
from tests.jobs.model import Expected, Model
from tests.jobs.test_transitions import FINAL, PASSING, result_for

WALK = settings(
    max_examples=int(os.environ.get("MODEL_EXAMPLES", "30")),
    stateful_step_count=40,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
# Few, so that each is walked far.
MOST_JOBS = 4
LATER = timedelta(hours=1)
# Which claim acts.
NEWEST = 5
AGES = st.integers(0, 9)
SHORTLY_AGO = timedelta(seconds=1)


@dataclass(frozen=True)
class Cast:
    """Whose jobs they are."""

    teams: tuple[Team, Team]
    user: User
    version: TemplateVersion


def can_pick(walk: Walk) -> bool:
    """Say whether there is a claim, or a job for one."""
    return bool(walk.claims) or walk.model.best() is not None


class Walk(RuleBasedStateMachine):
    """Every arrow, from every state, by whoever holds or held a job."""

    jobs = Bundle[int]("jobs")

    cast: ClassVar[Cast]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        # Every claim as its worker remembers it, the newest last: most are stale.
        self.claims: list[Job] = []
        self.delivered: set[tuple[int, int]] = set()
        self.savepoint = transaction.savepoint()

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.savepoint)

    # --- Into the queue -----------------------------------------------------------------------------------------------
    @initialize(target=jobs)
    def enqueue_the_first(self) -> int:
        return self._enqueue(0, 5, "", ATTEMPTS)

    @precondition(lambda self: sum(each.is_under_way for each in self.model.jobs.values()) < MOST_JOBS)
    @rule(
        target=jobs,
        team=st.integers(0, 1),
        priority=st.integers(4, 6),
        cache_key=st.sampled_from(["", "", "same"]),
        # One is soon spent.
        most_attempts=st.sampled_from([1, ATTEMPTS]),
    )
    def enqueue(self, team: int, priority: int, cache_key: str, most_attempts: int) -> int | MultipleResults[int]:
        if self.model.is_under_way(team, cache_key):
            with pytest.raises(IntegrityError):
                self._enqueue(team, priority, cache_key, most_attempts)
            return multiple()
        return self._enqueue(team, priority, cache_key, most_attempts)

    def _enqueue(self, team: int, priority: int, cache_key: str, most_attempts: int) -> int:
        job = Job(
            team=self.cast.teams[team],
            kind=Kind.RENDER,
            template_version=self.cast.version,
            requested_by_user=self.cast.user,
            payload="{}",
            payload_hash="0" * 64,
            cache_key=cache_key,
            priority=priority,
            effective_priority=priority,
            max_attempts=most_attempts,
            expires_in=3600,
        )
        turn = self.model.next_turn(team, priority)
        transitions.enqueue(job, actor="test")
        self.model.jobs[job.pk] = Expected(job.pk, team, cache_key, priority, turn, most_attempts)
        return job.pk

    @rule(pk=jobs)
    def revive(self, pk: int) -> None:
        expected, job = self.model.jobs[pk], Job.objects.get(pk=pk)
        is_revivable = expected.status in {Status.FAILED, Status.CANCELLED} and expected.has_payload
        if is_revivable and self.model.is_under_way(expected.team, expected.cache_key):
            with pytest.raises(IntegrityError):
                transitions.revive(job, actor="test")
            return
        turn = self.model.next_turn(expected.team, expected.priority)
        assert transitions.revive(job, actor="test") is is_revivable
        if is_revivable:
            expected.status, expected.turn, expected.is_cancel_requested = Status.QUEUED, turn, False
            expected.most_attempts = expected.attempts + ATTEMPTS
            expected.events.append("job.revived")

    # --- What waits ---------------------------------------------------------------------------------------------------
    @rule(pk=jobs)
    def cancel(self, pk: int) -> None:
        expected = self.model.jobs[pk]
        is_waiting = expected.status == Status.QUEUED
        assert transitions.cancel(Job.objects.get(pk=pk), actor="test") is is_waiting
        if is_waiting:
            expected.status, expected.waits = Status.CANCELLED, False
            expected.events.append("job.cancelled")

    @rule(pk=jobs)
    def let_the_wait_pass(self, pk: int) -> None:
        expected = self.model.jobs[pk]
        Job.objects.filter(pk=pk, run_at__isnull=False).update(run_at=timezone.now() - SHORTLY_AGO)
        if expected.waits:
            expected.turn = self.model.turn_again(expected)
        assert transitions.promote_due() == expected.waits
        expected.waits = False

    @rule(pk=jobs)
    def climb(self, pk: int) -> None:
        expected = self.model.jobs[pk]
        if expected.is_claimable and expected.priority > 1:
            Job.objects.filter(pk=pk).update(climb_at=timezone.now() - SHORTLY_AGO)
            turn = self.model.next_turn(expected.team, expected.priority - 1)
            assert fairness.climb() == 1
            expected.priority, expected.turn = expected.priority - 1, turn
        else:
            assert fairness.climb() == 0

    # --- The claim, and every way to let go ---------------------------------------------------------------------------
    @rule()
    def claim(self) -> None:
        best = self.model.best()
        job = transitions.claim(worker=WORKER)
        assert (job and job.pk) == (best and best.pk)
        if job is None or best is None:
            return
        best.status, best.attempts, best.claims = Status.PROCESSING, best.attempts + 1, best.claims + 1
        best.outcomes.append(Outcome.RUNNING)
        best.events.append("job.processing")
        assert (job.attempt_count, job.claim_number) == (best.attempts, best.claims)
        self.claims.append(job)

    def _pick(self, age: int) -> Job:
        """Return a claim: up to NEWEST one that holds its job, taken now if need be, beyond it ever older ones."""
        held = [job for job in self.claims if self.model.holds(job)]
        if age <= NEWEST and held:
            return held[-1]
        if age <= NEWEST or not self.claims:
            self.claim()
        return self.claims[-1 - min(max(0, age - NEWEST), len(self.claims) - 1)]

    @precondition(can_pick)
    @rule(age=AGES)
    def renew(self, age: int) -> None:
        job = self._pick(age)
        assert transitions.renew(job) is self.model.holds(job)

    @precondition(can_pick)
    @rule(age=AGES)
    def see_whether_to_cancel(self, age: int) -> None:
        job = self._pick(age)
        wanted = self.model.holds(job) and self.model.jobs[job.pk].is_cancel_requested
        assert transitions.is_cancel_requested(job) is wanted

    @precondition(can_pick)
    @rule(age=AGES)
    def mark_spooled(self, age: int) -> None:
        job = self._pick(age)
        assert transitions.mark_spooled(job) is self.model.holds(job)
        if self.model.holds(job):
            self.model.jobs[job.pk].is_spooled = True

    @rule(pk=jobs)
    def request_cancel(self, pk: int) -> None:
        expected = self.model.jobs[pk]
        is_new = expected.status == Status.PROCESSING and not expected.is_cancel_requested
        assert transitions.request_cancel(Job.objects.get(pk=pk), actor="test") is is_new
        if is_new:
            expected.is_cancel_requested = True
            expected.events.append("job.cancel_requested")

    def _is_delivered(self, job: Job) -> bool:
        """Say whether this claim has stored an output before: no worker does so twice."""
        claim = (job.pk, job.claim_number)
        known = claim in self.delivered
        self.delivered.add(claim)
        return known

    @precondition(can_pick)
    @rule(age=AGES)
    def complete(self, age: int) -> None:
        job = self._pick(age)
        if self._is_delivered(job):
            return
        result = result_for(job)
        holds = self.model.holds(job)
        assert transitions.complete(job, result) is holds
        if holds:
            self.model.jobs[job.pk].end_claim(Status.DONE, Outcome.DONE, "job.done")
            self.model.jobs[job.pk].has_output = True
        else:
            files.file_discard(file_id=result.file_id)

    @precondition(can_pick)
    @rule(age=AGES)
    def complete_with_a_file_that_was_swept(self, age: int) -> None:
        job = self._pick(age)
        if self._is_delivered(job):
            return
        result = result_for(job)
        files.file_discard(file_id=result.file_id)
        if self.model.holds(job):
            with pytest.raises(RuntimeError):
                transitions.complete(job, result)
        else:
            assert not transitions.complete(job, result)

    @precondition(can_pick)
    @rule(age=AGES)
    def fail(self, age: int) -> None:
        job = self._pick(age)
        holds = self.model.holds(job)
        assert transitions.fail(job, FINAL) is holds
        if holds:
            self.model.jobs[job.pk].end_claim(Status.FAILED, Outcome.FAILED, "job.failed")

    @precondition(can_pick)
    @rule(age=AGES)
    def retry(self, age: int) -> None:
        job = self._pick(age)
        expected = self.model.jobs[job.pk]
        has_some_left = expected.attempts < expected.most_attempts
        if self._goes_back(job, transitions.retry(job, PASSING, delay=LATER), may=has_some_left):
            expected.end_claim(Status.QUEUED, Outcome.RETRY, "job.retrying")
            expected.waits = True

    @precondition(can_pick)
    @rule(age=AGES)
    def postpone(self, age: int) -> None:
        job = self._pick(age)
        expected = self.model.jobs[job.pk]
        if self._goes_back(job, transitions.postpone(job, PASSING, delay=LATER)):
            expected.end_claim(Status.QUEUED, Outcome.RELEASED, "job.postponed")
            expected.waits, expected.attempts = True, expected.attempts - 1

    @precondition(can_pick)
    @rule(age=AGES)
    def release(self, age: int) -> None:
        job = self._pick(age)
        expected = self.model.jobs[job.pk]
        if self._goes_back(job, transitions.release(job)):
            expected.end_claim(Status.QUEUED, Outcome.RELEASED, "job.released")
            expected.attempts -= 1

    def _goes_back(self, job: Job, answer: bool, *, may: bool = True) -> bool:
        """Compare the answer of an arrow into the queue; say whether the job is there now, and not cancelled."""
        if self.model.drops(job):
            assert answer
            return False
        assert answer is (self.model.holds(job) and may)
        return answer

    @precondition(can_pick)
    @rule(age=AGES)
    def drop(self, age: int) -> None:
        job = self._pick(age)
        wanted = self.model.drops(job)
        assert transitions.drop(job) is wanted

    @precondition(can_pick)
    @rule(age=AGES, worker_is_dead=st.booleans(), is_silent=st.booleans())
    def rescue(self, age: int, worker_is_dead: bool, is_silent: bool) -> None:
        job = self._pick(age)
        if is_silent and self.model.holds(job):
            Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - SHORTLY_AGO)
            assert [lost.pk for lost in Job.objects.lease_lost()] == [job.pk]
        expected = self.model.jobs[job.pk]
        is_lost = self.model.holds(job) and (worker_is_dead or is_silent)
        if is_lost and not self.model.drops(job):
            if expected.is_spooled:
                expected.end_claim(Status.QUEUED, Outcome.RELEASED, "job.rescued")
                expected.attempts -= 1
            elif expected.attempts >= expected.most_attempts:
                expected.end_claim(Status.FAILED, Outcome.LOST, "job.failed")
            else:
                expected.end_claim(Status.QUEUED, Outcome.LOST, "job.rescued")
        assert transitions.rescue(job, actor="test", worker_is_dead=worker_is_dead) is is_lost

    # --- The end ------------------------------------------------------------------------------------------------------
    @rule(pk=jobs, is_over=st.booleans())
    def expire(self, pk: int, is_over: bool) -> None:
        expected, job = self.model.jobs[pk], Job.objects.get(pk=pk)
        if is_over and expected.status == Status.DONE:
            StoredFile.objects.filter(job=pk).update(expires_at=timezone.now() - SHORTLY_AGO)
        expires = is_over and expected.status == Status.DONE
        assert transitions.expire(job) is expires
        if expires:
            files.files_expire()
            expected.status, expected.has_payload = Status.EXPIRED, False
            expected.events.append("job.expired")

    # --- What must hold after each step -------------------------------------------------------------------------------
    @invariant()
    def the_database_says_what_the_model_says(self) -> None:
        assert_rows(self.model, [team.pk for team in self.cast.teams])
        assert_attempts(self.model)
        assert_events(self.model)
        assert_outputs(self.model)


@pytest.mark.django_db
def test_the_state_machine_does_what_a_simple_model_says(
    alice: Member, umbrella: Team, letter: TemplateVersion
) -> None:
    Walk.cast = Cast((alice.team, umbrella), alice.user, letter)
    run_state_machine_as_test(Walk, settings=WALK)
