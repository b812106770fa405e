"""What keeps the service going by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone

from downloads_app.models import FileState, StoredFile
from jobs_app import maintenance, queue, transitions
from jobs_app.models import Job
from jobs_app.states import Status
from pdfservice.lib import storage
from tests.jobs.conftest import Submit
from tests.jobs.test_transitions import PASSING, result_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the tickets that are rung for, with none outstanding."""
    tickets: list[int] = []
    monkeypatch.setattr(queue, "ring", lambda count=1: tickets.append(count))
    monkeypatch.setattr(queue, "outstanding", lambda: 0)
    return tickets


def past() -> object:
    """Return a moment a minute ago."""
    return timezone.now() - timedelta(minutes=1)


def test_a_lost_lease_is_rescued(submit: Submit, claim: Callable[[], Job]) -> None:
    submit()
    Job.objects.filter(pk=claim().pk).update(lease_expires_at=past())
    assert maintenance.run_once()["rescued"] == 1
    assert claim().attempt_count == 2


def test_only_the_dead_workers_jobs_are_rescued_early(submit: Submit, claim: Callable[[], Job]) -> None:
    submit()
    claim()
    assert maintenance.rescue_from("her/") == 0
    assert maintenance.rescue_from("here/") == 1
    assert claim().attempt_count == 2


def test_a_due_retry_runs_and_is_rung_for(submit: Submit, claim: Callable[[], Job], rung: list[int]) -> None:
    submit()
    job = claim()
    transitions.retry(job, PASSING, delay=timedelta(hours=1))
    assert maintenance.run_once()["promoted"] == 0
    Job.objects.update(run_at=past())
    rung.clear()
    assert maintenance.run_once()["promoted"] == 1
    assert rung == [1]


def test_what_waits_without_a_ticket_is_rung_for(submit: Submit, rung: list[int]) -> None:
    submit()
    rung.clear()
    assert maintenance.ring_unclaimed() == 0
    Job.objects.update(due_since=past())
    assert maintenance.ring_unclaimed() == 1
    assert rung == [1]


@pytest.mark.parametrize("tickets", [3, None])
def test_nobody_rings_while_tickets_are_out_or_the_broker_is_away(
    submit: Submit, rung: list[int], monkeypatch: pytest.MonkeyPatch, tickets: int | None
) -> None:
    submit()
    rung.clear()
    Job.objects.update(due_since=past())
    monkeypatch.setattr(queue, "outstanding", lambda: tickets)
    assert maintenance.ring_unclaimed() == 0
    assert rung == []


def test_an_expired_output_loses_its_bytes_and_the_job_its_payload(submit: Submit, claim: Callable[[], Job]) -> None:
    submit()
    job = claim()
    result = result_for(job)
    transitions.complete(job, result)
    StoredFile.objects.update(expires_at=past())
    assert maintenance.run_once()["expired"] == 1
    job.refresh_from_db()
    assert (job.status, job.payload) == (Status.EXPIRED, None)
    assert StoredFile.objects.get().state == FileState.DELETED
    with pytest.raises(storage.ObjectMissing):
        storage.read(result.stored.key)
    assert not any(maintenance.run_once().values())


def test_bytes_that_no_job_finished_are_swept(submit: Submit, claim: Callable[[], Job]) -> None:
    submit()
    result = result_for(claim())
    assert maintenance.run_once()["swept"] == 0
    StoredFile.objects.update(created_at=timezone.now() - timedelta(days=1))
    assert maintenance.run_once()["swept"] == 1
    with pytest.raises(storage.ObjectMissing):
        storage.read(result.stored.key)


def test_a_step_that_fails_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    def broken() -> int:
        raise ValueError("broken")

    monkeypatch.setitem(maintenance.STEPS, "rescued", broken)
    done = maintenance.run_once()
    assert "rescued" not in done
    assert "swept" in done


def test_a_database_that_is_away_is_survived(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    def away() -> int:
        raise OperationalError("gone")

    monkeypatch.setitem(maintenance.STEPS, "rescued", away)
    assert maintenance.run_once() == {}


def test_every_pass_does_what_somebody_waits_for_and_every_fifth_the_rest(db: None) -> None:
    passes = [set(maintenance.run_pass(number)) for number in range(6)]
    assert passes[0] == passes[5] == set(maintenance.STEPS)
    for done in passes[1:5]:
        assert {"rescued", "promoted", "rung", "settled", "folded", "told"} == done


def test_one_pass_by_command_says_what_it_did(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("maintain", "--once")
    assert capsys.readouterr().out.startswith("rescued 0, promoted 0")
