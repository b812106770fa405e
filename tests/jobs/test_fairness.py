"""Whose turn it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from jobs_app import fairness, maintenance, transitions
from jobs_app.models import Job
from jobs_app.outcomes import Failure
from jobs_app.submission import RenderRequest, job_submit
from pdfservice.teams.models import Team
from tests.conftest import Member
from tests.jobs.conftest import Submit, publish

pytestmark = pytest.mark.django_db

Claim = Callable[[], Job]


@pytest.fixture
def umbrella_submits(charlie: Member) -> Submit:
    """Submit a letter as Charlie."""
    publish(charlie, "letter", "<p>{{ name }}")

    def _submit(**wishes: Any) -> Job:
        request = RenderRequest(template="letter", payload={"name": "Eve"}, dedup=False, **wishes)
        return job_submit(caller=charlie.caller, request=request).job

    return _submit


def test_a_lone_job_waits_for_two_of_anothers_many_at_most(
    submit: Submit, umbrella_submits: Submit, claim: Claim
) -> None:
    for _ in range(50):
        submit()
    for _ in range(10):
        claim()
    lone = umbrella_submits()
    assert lone.pk in [claim().pk for _ in range(3)]


def test_ten_thousand_jobs_of_one_team_delay_anothers_by_two_claims_at_most(
    submit: Submit, umbrella_submits: Submit, claim: Claim
) -> None:
    pattern = submit()
    first = fairness.next_turn(team_id=pattern.team_id, priority=pattern.effective_priority)
    columns = {field.attname: getattr(pattern, field.attname) for field in Job._meta.concrete_fields}
    copies = ({**columns, "id": None, "external_id": uuid4(), "turn": first + number} for number in range(9_999))
    Job.objects.bulk_create([Job(**copy) for copy in copies], batch_size=500)
    for _ in range(10):
        assert claim().team_id == pattern.team_id
    lone = umbrella_submits()
    assert lone.pk in [claim().pk for _ in range(3)]


def test_two_busy_teams_alternate(acme: Team, submit: Submit, umbrella_submits: Submit, claim: Claim) -> None:
    for _ in range(10):
        submit()
    for _ in range(10):
        umbrella_submits()
    served = [claim().team_id for _ in range(20)]
    for start in range(0, 20, 2):
        assert len(set(served[start : start + 2])) == 2


def test_past_use_is_not_held_against_a_team(submit: Submit, umbrella_submits: Submit, claim: Claim) -> None:
    for _ in range(20):
        submit()
    for _ in range(20):
        claim()
    first = [umbrella_submits() for _ in range(5)]
    mine = submit()
    order = [claim().pk for _ in range(6)]
    assert order.index(mine.pk) <= 2
    assert order[0] == first[0].pk


def test_a_priority_is_strict_whatever_the_turn(submit: Submit, umbrella_submits: Submit, claim: Claim) -> None:
    for _ in range(5):
        submit(priority=5)
    urgent = [umbrella_submits(priority=1) for _ in range(3)]
    assert [claim().pk for _ in range(3)] == [job.pk for job in urgent]


def test_what_waits_long_climbs_and_no_further_than_the_top(submit: Submit) -> None:
    old, young = submit(priority=9), submit(priority=9)
    Job.objects.filter(pk=old.pk).update(climb_at=timezone.now() - timedelta(seconds=1))
    assert maintenance.STEPS["climbed"]() == 1
    old.refresh_from_db()
    young.refresh_from_db()
    assert (old.priority, old.effective_priority, young.effective_priority) == (9, 8, 9)
    assert fairness.climb() == 0
    for _ in range(20):
        Job.objects.filter(pk=old.pk).update(climb_at=timezone.now() - timedelta(seconds=1))
        fairness.climb()
    old.refresh_from_db()
    assert old.effective_priority == 1


def test_climbing_in_a_crowd_does_not_overtake_another_team(
    submit: Submit, umbrella_submits: Submit, claim: Claim
) -> None:
    for _ in range(10):
        submit(priority=6)
    Job.objects.update(climb_at=timezone.now() - timedelta(seconds=1))
    assert fairness.climb() == 10
    lone = umbrella_submits(priority=5)
    assert lone.pk in [claim().pk for _ in range(3)]


def test_jobs_that_failed_stand_in_line_again_and_hold_up_another_team_by_two_claims_at_most(
    submit: Submit, umbrella_submits: Submit, claim: Claim
) -> None:
    for _ in range(20):
        submit()
    failing = [claim() for _ in range(8)]
    lone = umbrella_submits()
    for job in failing:
        assert transitions.retry(job, Failure("render_timeout", "", permanent=False), delay=timedelta())
    assert transitions.promote_due() == len(failing)
    assert lone.pk in [claim().pk for _ in range(3)]
    late = umbrella_submits()
    assert late.pk in [claim().pk for _ in range(4)]


def test_jobs_that_come_back_keep_their_order_and_get_a_number_each(submit: Submit, claim: Claim) -> None:
    failing = [submit() and claim() for _ in range(5)]
    waiting = submit()
    for job in failing:
        transitions.retry(job, Failure("render_timeout", "", permanent=False), delay=timedelta())
    transitions.promote_due()
    turns = [Job.objects.get(pk=job.pk).turn for job in failing]
    assert turns == sorted(set(turns))
    assert turns[0] > waiting.turn
