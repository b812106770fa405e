"""The database ends every connection of the service while it works."""

from __future__ import annotations

import pytest

from tests.processes.conftest import SERVER_URL
from tests.processes.service import CUT, Service, until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not SERVER_URL, reason="SQLite has no connections to cut")]


def test_jobs_survive_that_all_connections_are_cut(running: Service) -> None:
    jobs = running.submit(100)
    # Twice, not more: a job that was unlucky each time has a third attempt.
    until(lambda: running.statuses(jobs)["done"] >= 10, "the first are done")
    assert running.query(CUT)
    until(lambda: running.statuses(jobs)["done"] >= 50, "half of them are done")
    assert running.query(CUT)
    running.wait_until_done(jobs)
    running.assert_done_once(jobs)


def test_an_idle_service_survives_that_all_connections_are_cut(running: Service) -> None:
    assert running.query(CUT)
    jobs = running.submit(4)
    running.wait_until_done(jobs, seconds=15)
    running.assert_done_once(jobs)
