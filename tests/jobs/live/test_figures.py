"""What the figures are made of: spreads, workers, memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs_app import presence
from jobs_app.figures import spread
from jobs_app.live.counts import count_now
from jobs_app.live.shapes import View, changes
from jobs_app.models import Job, WorkerPresence
from jobs_app.presence import Seen
from pdfservice.lib.process_memory import memory_of_sessions
from tests.conftest import Member
from tests.jobs.conftest import Submit


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
@given(st.lists(st.integers(0, 10_000_000), min_size=1, max_size=50))
def test_a_quantile_is_within_five_percent(durations: list[int]) -> None:
    counted: spread.Spread = {}
    for each in durations:
        spread.observe(counted, each)
    for share in (0.5, 0.95):
        wanted = share * len(durations)
        exact = next(value for place, value in enumerate(sorted(durations), 1) if place >= wanted)
        assert abs((spread.quantile(counted, share) or 0) - exact) <= max(1, 0.055 * (exact + 1))


def test_nothing_has_no_quantile_and_sums_are_sums() -> None:
    assert spread.quantile({}, 0.5) is None
    assert spread.merge(({"1": 2}, {"1": 3, "2": 1})) == {"1": 5, "2": 1}


def test_only_what_differs_is_a_change() -> None:
    before: View = {"now": {"waiting": 1, "done": 2}, "workers": {"a": {"memory_mb": 1}}}
    after: View = {"now": {"waiting": 1, "done": 3}, "workers": {}}
    assert changes(before, after) == {"now": {"done": 3}, "workers": {"a": None}}
    assert changes(after, after) == {}


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_shown_with_what_it_does_until_it_is_silent_or_gone(
    submit: Submit, claim: Callable[[], Job]
) -> None:
    presence.announce({"here": Seen(60.0, 2048), "idle": Seen(1.0, 1024)})
    submit()
    job = claim()  # by here/1
    busy, idle = count_now().workers
    assert (busy.cluster, busy.memory_kb, idle.cluster, idle.task) == ("here", 2048, "idle", None)
    assert busy.task
    assert busy.task.job == job.external_id
    assert timedelta(seconds=55) < timezone.now() - busy.started_at < timedelta(seconds=120)
    presence.announce({"here": Seen(65.0, 4096)})
    assert WorkerPresence.objects.get(cluster="here").memory_kb == 4096
    presence.leave("idle")
    assert [each.cluster for each in count_now().workers] == ["here"]
    WorkerPresence.objects.update(seen_at=timezone.now() - timedelta(seconds=30))
    assert count_now().workers == ()
    WorkerPresence.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    presence.announce({})
    assert not WorkerPresence.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_another_teams_job_is_only_said_to_be_one(
    submit: Submit, claim: Callable[[], Job], charlie: Member, alice: Member
) -> None:
    presence.announce({"here": Seen(60.0, 2048)})
    submit()
    job = claim()
    own, other = (each.browser.get("/dashboard/").content.decode() for each in (alice, charlie))
    assert str(job.external_id) in own
    assert str(job.external_id) not in other
    assert '"is_other": true' in other


def test_memory_is_summed_by_session() -> None:
    own = os.getsid(0)
    found = memory_of_sessions([own])
    assert list(found) == [own], "others were not asked for"
    assert found[own] > 1024
