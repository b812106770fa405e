"""The short form: what CI has time for."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from tests.processes.chaos.run import Settings, run
from tests.processes.conftest import BROKER_URL, SERVER_URL
from tests.processes.places import Place

# The engine that takes thirty times as long has no place in the short form.
SLOW_LOADS = frozenset({"weasyprint"})


@pytest.mark.slow
@pytest.mark.skipif(not (SERVER_URL and BROKER_URL), reason="chaos needs PostgreSQL and Redis to cut and to flush")
def test_no_job_is_lost_doubled_or_stuck_while_everything_dies(tmp_path: Path) -> None:
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(1_000_000))
    report = run(Place(SERVER_URL, BROKER_URL, tmp_path), Settings(jobs=150, kills=10, seed=seed, without=SLOW_LOADS))
    print(report)  # noqa: T201  # pytest shows it when the test fails, or with -s
    assert report.faults == [], f"CHAOS_SEED={seed}\n{report.log[-20_000:]}"
