"""The database ends every connection of the service while it works."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.processes.conftest import SERVER_URL
from tests.processes.service import CUT, Service, until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not SERVER_URL, reason="SQLite has no connections to cut")]


def test_jobs_survive_that_all_connections_are_cut(running: Service) -> None:
    jobs = running.submit(100)
    for wanted in (10, 30, 50, 70):
        _wait_and_cut(running, jobs, wanted)
    running.wait_until_done(jobs)
    running.assert_done_once(jobs)


def _wait_and_cut(service: Service, jobs: list[UUID], wanted: int) -> None:
    until(lambda: service.statuses(jobs)["done"] >= wanted, f"{wanted} are done")
    cut(service)


def cut(service: Service) -> None:
    """Cut what is connected; right after the last cut, or when nothing is due, that may be nobody for a moment."""
    until(lambda: service.query(CUT), "somebody was connected")


def test_an_idle_service_survives_that_all_connections_are_cut(running: Service) -> None:
    workers = running.idle_workers()
    cut(running)
    jobs = running.submit(4)
    running.wait_until_done(jobs)
    running.assert_done_once(jobs)
    assert running.idle_workers() == workers  # they reconnected; nobody had to kill them for being idle
