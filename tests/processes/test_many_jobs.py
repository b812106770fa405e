"""Many jobs at once, and processes killed while they are made."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import httpx
import pytest

from tests.processes.procfs import Process, living
from tests.processes.service import SLOW, Service, text_of, until

JOBS = 300


@pytest.mark.slow
def test_three_hundred_jobs_at_once_are_each_done_once_at_the_first_attempt(running: Service) -> None:
    jobs = running.submit(JOBS)
    running.wait_until_done(jobs)
    running.assert_done_once(jobs)
    assert running.attempts(jobs) == dict.fromkeys(jobs, 1)
    rows = running.query("SELECT external_id, attempt_count, claim_number FROM jobs_app_job")
    counts = [(attempts, claims) for job, attempts, claims in rows if UUID(str(job)) in set(jobs)]
    assert counts == [(1, 1)] * JOBS


@pytest.mark.slow
def test_two_hundred_equal_requests_at_once_make_one_document(running: Service) -> None:
    callers, body = 200, {"template": "plutobook", "payload": {"number": "of everybody", "rows": 1}}
    ready = threading.Barrier(callers)
    http = httpx.Client(
        headers=running.http.headers, timeout=60, trust_env=False, limits=httpx.Limits(max_connections=callers)
    )

    def ask(_: int) -> UUID:
        ready.wait()
        answer = http.post(f"{running.base}/pdf/generate", json=body)
        assert answer.status_code == 202, answer.text
        return UUID(answer.json()["id"])

    with http, ThreadPoolExecutor(callers) as pool:
        jobs = set(pool.map(ask, range(callers)))
    assert len(jobs) == 1
    running.wait_until_done(list(jobs))
    assert running.attempts(jobs) == dict.fromkeys(jobs, 1)
    assert "Document of everybody." in text_of(running.outputs(jobs)[jobs.pop()])


def busy_worker(service: Service, busy: list[int]) -> Process:
    """Return a worker that works."""
    return next(cluster.worker for cluster in service.clusters() if cluster.worker.pid in busy)


def idle_worker(service: Service, busy: list[int]) -> Process:
    """Return the worker that waits, while the other works."""
    return next(cluster.worker for cluster in service.clusters() if cluster.worker.pid not in busy)


def whole_cluster(service: Service, busy: list[int]) -> Process:
    """Return the leader of a cluster that works: all of it goes with it."""
    return next(cluster.leader for cluster in service.clusters() if cluster.worker.pid in busy)


def renderer(service: Service, busy: list[int]) -> Process:
    """Return the process in which a document is made now."""
    return next(cluster.renderers[-1] for cluster in service.clusters() if cluster.worker.pid in busy)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [busy_worker, idle_worker, whole_cluster, renderer])
def test_jobs_survive_a_kill(running: Service, victim: Callable[[Service, list[int]], Process]) -> None:
    running.wait_until_ready()
    until(lambda: len(running.clusters()) == 2, "both clusters are complete")
    # One slow job keeps one worker busy while the other, having nothing to do, waits.
    slow = running.submit(1, rows=2 * SLOW)
    busy = running.wait_until_processing(slow)
    killed = victim(running, busy)
    if victim is idle_worker:
        killed.send(signal.SIGKILL)
        jobs = running.submit(JOBS)
    else:
        known = len(running.query("SELECT id FROM jobs_app_job"))
        with ThreadPoolExecutor(1) as background:
            submission = background.submit(running.submit, JOBS)
            until(lambda: len(running.query("SELECT id FROM jobs_app_job")) > known + 5, "jobs are coming in")
            killed.send(signal.SIGKILL)
            jobs = submission.result()
    until(lambda: not living([killed]), "the killed process is gone")
    running.wait_until_done(slow + jobs)
    running.assert_done_once(slow)
    running.assert_done_once(jobs)
    if victim in {busy_worker, whole_cluster}:
        # Its supervisor saw it die and did not leave the job to its lease.
        rescues = running.query("SELECT subject_id, actor FROM teams_auditevent WHERE action = 'job.rescued'")
        assert [actor for job, actor in rescues if UUID(str(job)) in slow] == ["supervisor"]
    # The service is whole again by itself.
    running.wait_until_ready()
    afterwards = running.submit(2, template="weasyprint")
    running.wait_until_done(afterwards)
    running.assert_done_once(afterwards)
