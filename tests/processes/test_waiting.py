"""Callers who wait for the end of a job, many more than the web process has threads."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.processes.conftest import NewService
from tests.processes.service import Service, until

WAITERS = 40


@pytest.fixture
def narrow(new_service: NewService) -> Iterator[Service]:
    """A service whose web process has two threads and holds sixty answers, thirty for one team."""
    with new_service(WEB_THREADS="2", MAX_WAITERS="60") as made:
        yield made


def generate(service: Service, **more: Any) -> httpx.Response:
    """Ask for a document of its own, and wait for it."""
    body = {"template": "plutobook", "payload": {"number": 1, "rows": 1, "unique": uuid4().hex}}
    with httpx.Client(base_url=service.base, headers=service.http.headers, timeout=60, trust_env=False) as client:
        return client.post("/pdf/generate", json=body, headers={"Prefer": "wait=25"}, **more)


def count_jobs(service: Service) -> int:
    """Count all jobs."""
    return int(service.query("SELECT count(*) FROM jobs_app_job")[0][0])


@pytest.mark.slow
def test_more_callers_wait_than_there_are_threads_and_the_api_answers_others_all_the_while(narrow: Service) -> None:
    narrow.start("web", "work")
    narrow.wait_until_ready()
    # Warm and frozen: to start them may take as long as callers wait.
    work = [narrow.top("work"), *narrow.top("work").descendants()]
    for each in work:
        each.send(signal.SIGSTOP)
    with ThreadPoolExecutor(WAITERS) as pool:
        asked = [pool.submit(generate, narrow) for _ in range(WAITERS)]
        until(lambda: count_jobs(narrow) == WAITERS, "all have asked")
        # Half of the places are this team's; the others were answered at once, and may look instead.
        until(lambda: sum(each.done() for each in asked) == WAITERS - 30, "those beyond the bound are answered")
        at_once = [each.result() for each in asked if each.done()]
        for answer in at_once:
            assert (answer.status_code, answer.json()["status"]) == (202, "queued")
            assert "Preference-Applied" not in answer.headers
        waiting = [each for each in asked if not each.done()]
        for _ in range(10):
            assert narrow.http.get("/readyz").status_code == 200
            assert narrow.http.get(f"/pdf/jobs/{at_once[0].json()['id']}").json()["status"] == "queued"
        assert not any(each.done() for each in waiting)
        for process in work:
            process.send(signal.SIGCONT)
        answers = [each.result(60) for each in waiting]
    assert {answer.status_code for answer in answers} == {202}
    assert {answer.headers["Preference-Applied"] for answer in answers} == {"wait=25"}
    assert {answer.json()["status"] for answer in answers} == {"done"}
    for answer in answers:
        assert answer.json() == narrow.http.get(answer.headers["Location"].replace("localhost", "127.0.0.1")).json()


@pytest.mark.slow
def test_looking_at_a_job_waits_for_its_end_too(running: Service) -> None:
    job = running.submit(1)[0]
    answer = running.http.get(f"/pdf/jobs/{job}", headers={"Prefer": "wait=20"})
    assert (answer.status_code, answer.json()["status"]) == (200, "done")
    assert answer.headers["Preference-Applied"] == "wait=20"


@pytest.mark.slow
def test_a_caller_who_goes_away_leaves_the_place_to_another(new_service: NewService) -> None:
    with new_service(MAX_WAITERS="1") as service:
        service.start("web")
        service.wait_until_ready(workers=0)
        url = f"/pdf/jobs/{service.submit(1)[0]}"

        def is_taken() -> bool:
            return "Preference-Applied" not in service.http.get(url, headers={"Prefer": "wait=1"}).headers

        headers = f"Host: 127.0.0.1\r\nAuthorization: Bearer {service.key}\r\nPrefer: wait=25\r\n"
        with socket.create_connection(("127.0.0.1", service.port)) as connection:
            connection.sendall(f"GET {url} HTTP/1.1\r\n{headers}\r\n".encode())
            # Only then ask: a question that came first would take the place itself.
            until(lambda: url in service.log(), "the web process has seen the request")
            assert is_taken()
        until(lambda: not is_taken(), "the place is free again", seconds=15)


@pytest.mark.slow
def test_a_web_process_that_stops_answers_those_who_wait(narrow: Service) -> None:
    narrow.start("web")
    narrow.wait_until_ready(workers=0)
    with ThreadPoolExecutor(10) as pool:
        asked = [pool.submit(generate, narrow) for _ in range(10)]
        until(lambda: count_jobs(narrow) == 10, "all have asked")
        assert narrow.http.get("/readyz").status_code == 200
        assert not any(each.done() for each in asked)
        narrow.http.close()  # an idle connection of ours is not what this is about
        narrow.stop("web", signal.SIGTERM, seconds=8)
        answers = [each.result() for each in asked]
    assert {(answer.status_code, json.loads(answer.content)["status"]) for answer in answers} == {(202, "queued")}
