"""What is killed, frozen or lost on the way is made good by the service itself."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from uuid import UUID

import pytest
import redis

from tests.processes.conftest import NewService
from tests.processes.procfs import living
from tests.processes.service import SLOW, Cluster, Service, until


@pytest.fixture
def lone(new_service: NewService) -> Iterator[Service]:
    """A service with one worker, warm: what is killed has no colleague to stand in."""
    with new_service(WORKERS="1") as service:
        service.start("web", "work", "maintain")
        service.wait_until_ready(workers=1)
        yield service


@pytest.mark.slow
def test_an_idle_cluster_comes_back_each_time_that_a_member_is_killed(lone: Service) -> None:
    for member in ("worker", "pusher", "monitor", "worker", "leader"):
        [cluster] = lone.clusters()
        getattr(cluster, member).send(signal.SIGKILL)
        until(partial(_is_gone, cluster), f"the whole cluster of the {member} is gone")
        lone.wait_until_ready(workers=1)
        jobs = lone.submit(1)
        lone.wait_until_done(jobs)
        lone.assert_done_once(jobs)


@pytest.mark.slow
def test_a_job_is_made_after_the_zygote_was_killed(lone: Service) -> None:
    [cluster] = lone.clusters()
    zygote = cluster.zygote
    zygote.send(signal.SIGKILL)
    until(lambda: not living([zygote]), "the zygote is gone")
    jobs = lone.submit(3)
    lone.wait_until_done(jobs)
    lone.assert_done_once(jobs)
    assert lone.clusters()[0].worker == cluster.worker
    assert lone.attempts(jobs) == dict.fromkeys(jobs, 1)


@pytest.mark.slow
def test_a_zygote_killed_in_mid_document_costs_an_attempt_and_no_job(lone: Service) -> None:
    jobs = lone.submit(1, rows=2 * SLOW)
    lone.wait_until_processing(jobs)
    lone.clusters()[0].zygote.send(signal.SIGKILL)
    lone.wait_until_done(jobs)
    lone.assert_done_once(jobs)
    assert lone.attempts(jobs) == dict.fromkeys(jobs, 2)


@pytest.mark.slow
def test_a_worker_that_slept_through_its_lease_cannot_finish_the_job(running: Service) -> None:
    running.wait_until_ready()
    [job] = jobs = running.submit(1, rows=SLOW)
    [first] = running.wait_until_processing(jobs)
    sleeper = next(cluster.worker for cluster in running.clusters() if cluster.worker.pid == first)
    colleague = next(cluster.worker for cluster in running.clusters() if cluster.worker.pid != first)
    sleeper.send(signal.SIGSTOP)

    def colleague_has_it() -> bool:
        rows = running.query("SELECT external_id, status, claimed_by FROM jobs_app_job")
        return any(
            UUID(str(each)) == job and status == "processing" and by.endswith(f"/{colleague.pid}")
            for each, status, by in rows
        )

    try:
        until(colleague_has_it, "the colleague has the job")
        # The job must still be the colleague's when the sleeper, whose document is ready, wants to finish it.
        colleague.send(signal.SIGSTOP)
        sleeper.send(signal.SIGCONT)

        def let_go() -> bool:
            discarded = running.query("SELECT key FROM downloads_app_storedfile WHERE state = 'deleted'")
            return any(str(job) in key for (key,) in discarded) or (
                f"Job {job} was taken from this worker" in running.log()
            )

        until(let_go, "the sleeper has let go", seconds=5)
    finally:
        sleeper.send(signal.SIGCONT)
        colleague.send(signal.SIGCONT)
    running.wait_until_done(jobs)
    running.assert_done_once(jobs)
    sql = """SELECT external_id, outcome, worker FROM jobs_app_job j
             JOIN jobs_app_jobattempt a ON a.job_id = j.id ORDER BY a.claim_number"""
    attempts = [(outcome, by) for each, outcome, by in running.query(sql) if UUID(str(each)) == job]
    assert [outcome for outcome, _ in attempts] == ["lost", "done"]
    assert attempts[1][1].endswith(f"/{colleague.pid}")
    assert running.events(job) == ["job.queued", "job.processing", "job.rescued", "job.processing", "job.done"]


@pytest.mark.slow
def test_jobs_whose_tickets_are_lost_are_done_all_the_same(service: Service) -> None:
    service.start("web")
    service.wait_until_ready(workers=0)
    jobs = service.submit(20)
    if service.redis_url:
        with closing(redis.from_url(service.redis_url)) as client:
            assert client.delete("django_q:pdfservice:q") == 1
    else:
        service.execute("DELETE FROM django_q_ormq")
    service.start("work", "maintain")
    service.wait_until_done(jobs)
    service.assert_done_once(jobs)
    assert "Maintenance: rung" in service.log()  # else it was a supervisor, suspicious of its idle workers


@pytest.mark.slow
def test_a_busy_worker_keeps_no_ticket_from_an_idle_one(new_service: NewService) -> None:
    # On a busy machine the long document may take a minute.
    with new_service(RENDER_TIMEOUT="240") as service:
        service.start("web", "work")  # nobody rings a second time
        service.wait_until_ready()
        slow = service.submit(1, rows=5 * SLOW)
        service.wait_until_processing(slow)
        for _ in range(6):
            jobs = service.submit(1)
            service.wait_until_done(jobs)
        assert service.statuses(slow) == {"processing": 1}
        service.wait_until_done(slow, seconds=240)


def _is_gone(cluster: Cluster) -> bool:
    return not living([cluster.leader, cluster.worker, cluster.monitor, cluster.pusher])
