"""`GET /metrics`: what Prometheus reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from jobs_app import maintenance, transitions
from jobs_app.metrics import exposition, live
from jobs_app.metrics.fold import fold
from jobs_app.models import Counter, FoldMark, Job
from jobs_app.outcomes import Failure
from pdfservice.teams import audit
from pdfservice.teams.models import AuditEvent
from tests.conftest import Member
from tests.jobs.conftest import Submit
from tests.jobs.test_transitions import FINAL, PASSING, result_for

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = timedelta()
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(autouse=True)
def _fresh_page() -> Iterator[None]:
    exposition.forget()
    yield
    exposition.forget()


def fold_all() -> int:
    """Fold every event that is there: one call finds where the log ends, the other goes there."""
    return fold(settled_after=AT_ONCE) + fold(settled_after=AT_ONCE)


def scrape() -> Samples:
    """Return every sample, read as Prometheus reads it."""
    exposition.forget()
    response = Client().get("/metrics")
    assert response.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float | None:
    """Return one sample, None if it is not there."""
    return samples.get((name, frozenset(labels.items())))


def test_it_is_text_for_prometheus_without_a_key() -> None:
    response = Client().get("/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    text = response.content.decode()
    assert "# TYPE pdfservice_jobs gauge" in text
    assert "# HELP pdfservice_queue_depth " in text
    assert "# TYPE pdfservice_render_seconds histogram" in text
    assert "pdfservice_links_created_total 0.0" in text
    assert Client().head("/metrics").status_code == 200
    assert Client().post("/metrics").status_code == 405


def test_what_waits_and_runs_is_seen_at_once(submit: Submit, claim: Callable[[], Job]) -> None:
    submit(), submit(), submit()
    transitions.retry(claim(), PASSING, delay=timedelta(hours=1))
    claim()
    Job.objects.claimable().order_by().update(due_since=timezone.now() - timedelta(minutes=5))
    samples = scrape()
    for state in ("queued", "retrying", "processing"):
        assert value(samples, "pdfservice_jobs", state=state, kind="render") == 1
    assert value(samples, "pdfservice_queue_depth") == 1
    assert 300 <= (value(samples, "pdfservice_queue_oldest_seconds") or 0) < 400
    assert value(samples, "pdfservice_broker_up") == 1


def test_an_empty_queue_has_no_age() -> None:
    assert value(scrape(), "pdfservice_queue_oldest_seconds") == 0


def test_a_long_queue_is_counted_up_to_a_bound(submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    submit(), submit(), submit()
    monkeypatch.setattr(live, "COUNT_AT_MOST", 2)
    assert value(scrape(), "pdfservice_queue_depth") == 2


def test_a_jobs_way_is_counted(submit: Submit, claim: Callable[[], Job]) -> None:
    submit()
    transitions.retry(claim(), Failure("render_timeout", "slow", False, peak_memory_kb=40_000), delay=timedelta())
    transitions.promote_due()
    Job.objects.update(due_since=timezone.now() - timedelta(seconds=20))
    job = claim()
    result = replace(result_for(job), timings={"render_ms": 70}, peak_memory_kb=20 * 1024, began_child=True)
    assert transitions.complete(job, result)
    fold_all()
    samples = scrape()
    assert value(samples, "pdfservice_jobs_submitted_total", kind="render") == 1
    assert value(samples, "pdfservice_jobs_ended_total", kind="render", state="done") == 1
    assert value(samples, "pdfservice_attempts_total", kind="render", outcome="retry") == 1
    assert value(samples, "pdfservice_attempts_total", kind="render", outcome="done") == 1
    assert value(samples, "pdfservice_renderer_deaths_total", cause="render_timeout") == 1
    assert value(samples, "pdfservice_renderer_starts_total", kind="render") == 1
    assert value(samples, "pdfservice_render_seconds_bucket", kind="render", le="0.05") == 0
    assert value(samples, "pdfservice_render_seconds_bucket", kind="render", le="0.1") == 1
    assert value(samples, "pdfservice_render_seconds_bucket", kind="render", le="+Inf") == 1
    assert value(samples, "pdfservice_render_seconds_sum", kind="render") == 0.07
    assert value(samples, "pdfservice_queue_wait_seconds_count", kind="render") == 2
    assert value(samples, "pdfservice_queue_wait_seconds_bucket", kind="render", le="10.0") == 1
    assert value(samples, "pdfservice_queue_wait_seconds_bucket", kind="render", le="30.0") == 2
    assert value(samples, "pdfservice_renderer_peak_memory_bytes_count", kind="render") == 2
    assert value(samples, "pdfservice_renderer_peak_memory_bytes_bucket", kind="render", le="33554432.0") == 1
    assert value(samples, "pdfservice_renderer_peak_memory_bytes_sum", kind="render") == 40_000 * 1024 + (20 << 20)


def test_what_went_wrong_is_counted_by_cause(submit: Submit, claim: Callable[[], Job]) -> None:
    for _ in range(4):
        submit()
    transitions.fail(claim(), FINAL)
    transitions.postpone(claim(), Failure("storage_error", "refused", permanent=False), delay=timedelta(hours=1))
    transitions.rescue(claim(), actor="test", worker_is_dead=True)
    lost = claim()
    Job.objects.filter(pk=lost.pk).update(max_attempts=1, attempt_count=1)
    lost.refresh_from_db()
    transitions.rescue(lost, actor="test", worker_is_dead=True)
    transitions.release(claim())
    dropped = claim()
    transitions.request_cancel(dropped, actor="test")
    transitions.drop(dropped)
    fold_all()
    samples = scrape()
    assert value(samples, "pdfservice_dead_letters_total", code="template_error") == 1
    assert value(samples, "pdfservice_dead_letters_total", code="render_crash") == 1
    assert value(samples, "pdfservice_renderer_deaths_total", cause="worker_lost") == 2
    assert value(samples, "pdfservice_storage_errors_total") == 1
    assert value(samples, "pdfservice_attempts_total", kind="render", outcome="lost") == 2
    assert value(samples, "pdfservice_attempts_total", kind="render", outcome="failed") == 1
    assert value(samples, "pdfservice_attempts_total", kind="render", outcome="released") == 2
    assert value(samples, "pdfservice_attempts_total", kind="render", outcome="cancelled") == 1
    assert value(samples, "pdfservice_jobs_ended_total", kind="render", state="cancelled") == 1


def test_links_are_counted(alice: Member) -> None:
    for action in ("link.created", "link.created", "link.redeemed"):
        audit.record(team_id=alice.team.pk, actor="link", action=action, subject_type="link", subject_id=None)
    fold_all()
    samples = scrape()
    assert value(samples, "pdfservice_links_created_total") == 2
    assert value(samples, "pdfservice_links_redeemed_total") == 1


def test_an_event_is_folded_once_by_however_many_loops(submit: Submit) -> None:
    for _ in range(30):
        submit()
    fold(settled_after=AT_ONCE)

    def loop(_: int) -> int:
        try:
            return fold(settled_after=AT_ONCE)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as loops:
        folded = sum(loops.map(loop, range(8)))
    assert folded == AuditEvent.objects.count()
    assert Counter.objects.get(name="pdfservice_jobs_submitted").value == 30


def test_an_event_that_becomes_visible_late_is_counted(submit: Submit, claim: Callable[[], Job]) -> None:
    """PostgreSQL gives out ids before rows are visible: one that comes after its successor must not be passed over."""
    job = submit()
    fold_all()
    reached = FoldMark.objects.get().folded_to
    late, early = reached + 1, reached + 2
    event = {"team_id": job.team_id, "actor": "x", "action": "job.revived", "subject_type": "job"}
    AuditEvent.objects.create(pk=early, subject_id=job.external_id, **event)
    fold(settled_after=AT_ONCE)  # sees that the log goes on to `early`
    AuditEvent.objects.create(pk=late, subject_id=job.external_id, **event)
    fold(settled_after=AT_ONCE)
    assert value(scrape(), "pdfservice_jobs_revived_total", kind="render") == 2


def test_what_has_not_settled_is_left_for_later(submit: Submit) -> None:
    submit()
    fold(settled_after=AT_ONCE)
    assert fold() == 0
    assert maintenance.run_once()["folded"] == 0
    assert fold(settled_after=AT_ONCE) > 0


def test_a_long_log_is_folded_in_stretches(submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        submit()
    monkeypatch.setattr("jobs_app.metrics.fold.AT_ONCE", 3)
    fold(settled_after=AT_ONCE)
    fold(settled_after=AT_ONCE)
    fold(settled_after=AT_ONCE)
    assert value(scrape(), "pdfservice_jobs_submitted_total", kind="render") == 4


def test_counters_survive_the_rows_that_they_counted(submit: Submit) -> None:
    job = submit()
    transitions.cancel(job, actor="test")
    fold_all()
    ids = list(AuditEvent.objects.values_list("pk", flat=True))
    audit.prune(ids=ids, before=timezone.now() + timedelta(days=1))
    Job.objects.all().delete()
    fold_all()
    assert value(scrape(), "pdfservice_jobs_ended_total", kind="render", state="cancelled") == 1


def test_it_tells_aggregates_only(submit: Submit, claim: Callable[[], Job]) -> None:
    job = submit()
    transitions.fail(claim(), FINAL)
    fold_all()
    text = Client().get("/metrics").content.decode()
    for secret in ("acme", '"letter"', "alice", str(job.external_id), "here/1"):
        assert secret not in text


def test_a_scrape_asks_the_same_few_questions_whatever_is_there(submit: Submit) -> None:
    def questions() -> int:
        exposition.forget()
        with CaptureQueriesContext(
            connection,
        ) as asked:
            Client().get("/metrics")
        return len(asked)

    before = questions()
    for _ in range(5):
        submit()
    fold_all()
    assert questions() == before
    with CaptureQueriesContext(connection) as asked:
        Client().get("/metrics")
    assert len(asked) == 0, "a second reader within the second gets the same page"


def test_a_database_that_is_away_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(exposition, "live_gauges", away)
    response = Client().get("/metrics")
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert "Retry-After" in response.headers
