"""The web process under a hundred callers at once, and what it writes into its log."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.processes.service import Service

CALLERS = 100


@pytest.mark.slow
def test_a_hundred_simultaneous_requests_are_all_accepted(running: Service) -> None:
    ready = threading.Barrier(CALLERS)
    headers = {"Authorization": f"Bearer {running.key}"}

    def call(number: int) -> tuple[int, str]:
        body = {"template": "plutobook", "payload": {"number": number, "rows": 1}}
        with httpx.Client(base_url=running.base, headers=headers, timeout=60, trust_env=False) as client:
            client.get("/healthz")  # connected before the start
            ready.wait()
            answer = client.post("/pdf/generate", json=body)
            return answer.status_code, answer.json()["id"]

    with ThreadPoolExecutor(CALLERS) as pool:
        answers = list(pool.map(call, range(CALLERS)))
    assert [status for status, _ in answers] == [202] * CALLERS
    assert len({job for _, job in answers}) == CALLERS


@pytest.mark.slow
def test_no_token_and_no_key_reaches_the_log(running: Service) -> None:
    jobs = running.submit(1)
    running.wait_until_done(jobs)
    link = running.http.post(f"/pdf/jobs/{jobs[0]}/links", json={"max_uses": 1}).json()
    token = link["url"].rpartition("/")[2]
    with httpx.Client(base_url=running.base, trust_env=False) as visitor:
        assert visitor.get(f"/d/{token}").status_code == 200
        assert visitor.get(f"/d/{token}/file").content == running.outputs(jobs)[jobs[0]]
        assert visitor.get(f"/d/{token}/file").status_code == 410
        assert visitor.get(f"/nowhere/{running.key}").status_code == 404
    log = running.log()
    assert log.count("/d/***") >= 3
    assert token not in log
    assert running.key.rpartition("_")[2] not in log
