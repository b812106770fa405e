"""However the service ends, none of its processes is left, and no job is lost by it."""

from __future__ import annotations

import signal

import pytest

from tests.processes.service import SLOW, Service, until


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_one_signal_to_serve_leaves_no_process_behind(service: Service, number: signal.Signals) -> None:
    service.start("serve")
    service.wait_until_ready()
    jobs = service.submit(2, rows=2 * SLOW)
    service.wait_until_processing(jobs, count=2)
    until(lambda: all(cluster.renderers for cluster in service.clusters()), "both render")
    # serve, web, work, maintain; for each worker: leader, worker, monitor, pusher, zygote, renderer
    assert len(service.top("serve").descendants()) >= 3 + 2 * 6
    service.stop("serve", number, seconds=20)
    if number == signal.SIGKILL:
        assert service.statuses(jobs) == {"processing": 2}
    else:
        assert service.statuses(jobs) == {"queued": 2}
    service.start("serve")
    service.wait_until_done(jobs)
    service.assert_done_once(jobs)


@pytest.mark.slow
def test_a_worker_asked_to_stop_gives_its_job_back_unspent(service: Service) -> None:
    service.start("web", "work")
    service.wait_until_ready()
    jobs = service.submit(2, rows=2 * SLOW)
    service.wait_until_processing(jobs, count=2)
    service.stop("work", signal.SIGTERM, seconds=10)
    assert service.query("SELECT status, attempt_count, claim_number, claimed_by FROM jobs_app_job") == [
        ("queued", 0, 1, "")
    ] * len(jobs)
    for job in jobs:
        assert service.events(job) == ["job.queued", "job.processing", "job.released"]
    service.start("work")
    service.wait_until_done(jobs)
    service.assert_done_once(jobs)
    assert service.query("SELECT attempt_count, claim_number FROM jobs_app_job") == [(1, 2)] * len(jobs)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("generation", [1, 2, 3])
def test_a_stop_while_the_workers_start_leaves_no_process_behind(
    service: Service, number: signal.Signals, generation: int
) -> None:
    def descended() -> bool:
        line = service.top("work").children()
        for _ in range(generation - 1):
            line = [child for each in line for child in each.children()]
        return bool(line)

    service.start("work")
    until(descended, f"generation {generation} of processes is there")
    service.stop("work", number, seconds=15)
