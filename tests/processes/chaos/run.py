"""One run: callers, troubles and the end, on a service of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.processes.chaos import loads, troubles
from tests.processes.chaos.callers import Callers
from tests.processes.chaos.verdict import judge
from tests.processes.places import Place
from tests.processes.procfs import Process, living
from tests.processes.service import Service, until
from tests.s3_server import ACCESS_KEY, BUCKET, REGION, SECRET_KEY, S3Server

CALLERS = 8
# Troubles come as the jobs get on, and in any case after so long: one may be what keeps them from getting on.
_LONGEST_LULL_SECONDS = 8.0
_SHORTEST_LULL_SECONDS = 0.3


@dataclass(frozen=True)
class Settings:
    """What a run is made of; `kills` 0 and `outage_seconds` 0 leave the service in peace."""

    jobs: int
    kills: int
    seed: int
    outage_seconds: float = 20.0
    workers: int = 2
    without: frozenset[str] = frozenset()
    settle_seconds: float = 300.0


@dataclass
class Report:
    """What came of a run. No `faults` means that every promise was kept."""

    settings: Settings
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    figures: dict[str, Any] = field(default_factory=dict)
    log: str = ""

    def __str__(self) -> str:
        """Return the figures as text."""
        lines = [
            f"seed {self.settings.seed}, {self.settings.jobs} requests, {self.seconds:.0f} s",
            f"troubles: {_listed(self.struck)}",
            f"answers to callers: {_listed(self.answers)}",
        ]
        for name, value in self.figures.items():
            text = "".join(f"\n  {item}" for item in value) if isinstance(value, list) else value
            lines.append(f"{name}: {_listed(value) if isinstance(value, dict) else text or 'none'}")
        lines.append(f"faults: {len(self.faults) or 'none'}")
        return "\n".join([*lines, *(f"  {fault}" for fault in self.faults)])


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"


def run(place: Place, settings: Settings, *, say: Callable[[str], None] = lambda _: None) -> Report:
    """Run it and return what came of it; the service's log is part of that."""
    report = Report(settings)
    s3 = S3Server(_new_folder(place.directory / "weed"))
    try:
        s3.start()
        with place.seed() as seed, place.service(seed, **_environment(s3, settings)) as service:
            _upload_files(service, s3)
            keys = _seed(service)
            service.start("serve")
            service.wait_until_ready(workers=settings.workers)
            say("the service is ready")
            _Run(service, s3, settings, report, keys, say).go()
    finally:
        s3.kill()
    return report


@dataclass
class _Run:
    service: Service
    s3: S3Server
    settings: Settings
    report: Report
    keys: dict[str, str]
    say: Callable[[str], None]
    seen: set[Process] = field(default_factory=set)

    def go(self) -> None:
        began = time.monotonic()
        callers = Callers(self.service.base, self.keys)
        top = self.service.top("serve")
        with ThreadPoolExecutor(CALLERS) as pool, ThreadPoolExecutor(1) as storage:
            random = Random(self.settings.seed)
            chosen = loads.choose(random, self.settings.jobs, without=self.settings.without)
            first = self.settings.seed * 1_000_003
            wanted = [pool.submit(callers.want, load, first + number) for number, load in enumerate(chosen)]
            outage = storage.submit(self._refuse_storage, callers) if self.settings.outage_seconds else None
            self._strike(random, callers)
            for each in filter(None, (*wanted, outage)):
                each.result()  # raises what went wrong there
        self.say(f"{len(callers.accepted)} jobs are accepted, all troubles are over")
        self._settle()
        self.report.seconds = time.monotonic() - began
        self.seen |= {top, *top.descendants()}
        self.report.faults += callers.faults
        self.report.answers = callers.answers
        self.service.stop("serve", seconds=60)
        if left := living(self.seen):
            self.report.faults.append(f"{len(left)} processes were left behind")
        verdict = judge(self.service, self.s3, callers.accepted)
        self.report.faults += verdict.faults
        self.report.figures = verdict.figures
        self.report.log = self.service.log()

    def _strike(self, random: Random, callers: Callers) -> None:
        scene = troubles.Scene(self.service, self.s3, random, self.settings.outage_seconds)
        plan = troubles.plan(random, self.settings.kills) if self.settings.kills else []
        pause = threading.Event()
        for number, trouble in enumerate(plan):
            threshold = (number + 1) / (len(plan) + 1)
            deadline = time.monotonic() + _LONGEST_LULL_SECONDS
            pause.wait(_SHORTEST_LULL_SECONDS)
            while self._progress(callers) < threshold and time.monotonic() < deadline:
                pause.wait(0.1)
            struck = troubles.strike(trouble, scene)
            self.report.struck[struck.name] += 1
            self.say(f"struck: {struck.name}")
            self._look_at_processes()

    def _progress(self, callers: Callers) -> float:
        """Return how far the run is, accepting and finishing together: 0 to 1."""
        [(finished,)] = self.service.query("SELECT count(*) FROM jobs_app_job WHERE finished_at IS NOT NULL")
        return (len(callers.accepted) + int(finished)) / (2 * self.settings.jobs)

    def _refuse_storage(self, callers: Callers) -> None:
        until(lambda: self._progress(callers) > 0.25, "a quarter is done", seconds=300)
        self.say(f"storage refuses for {self.settings.outage_seconds:.0f} s")
        scene = troubles.Scene(self.service, self.s3, Random(), self.settings.outage_seconds)
        troubles.REFUSE.strike(scene)
        self.report.struck[troubles.REFUSE.name] += 1

    def _look_at_processes(self) -> None:
        try:
            self.seen |= set(self.service.top("serve").descendants())
        except ProcessLookupError:
            self.report.faults.append("serve is gone")

    def _settle(self) -> None:
        # A batch whose documents are made may be about to have them put together.
        sql = " UNION ALL ".join(
            f"SELECT status, count(*) FROM {table} WHERE finished_at IS NULL GROUP BY status"  # noqa: S608  # ours
            for table in ("jobs_app_job", "jobs_app_batch")
        )
        try:
            until(lambda: not self.service.query(sql), "every job has ended", seconds=self.settings.settle_seconds)
        except AssertionError as error:
            self.report.faults.append(f"{error}: {dict(self.service.query(sql))}")


def _environment(s3: S3Server, settings: Settings) -> dict[str, str]:
    return {
        "S3_BUCKET": BUCKET,
        "S3_ENDPOINT_URL": s3.address,
        "S3_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "WORKERS": str(settings.workers),
        # Several times what the slowest honest document takes.
        "RENDER_TIMEOUT": "6",
        "RENDER_MEMORY_MB": "256",
    }


def _upload_files(service: Service, s3: S3Server) -> None:
    """Put what the seed kept on disk into the bucket."""
    root = service.directory / "files"
    client = s3.client()
    for path in (each for each in root.rglob("*") if each.is_file()):
        client.put_object(Bucket=BUCKET, Key=str(path.relative_to(root)), Body=path.read_bytes())
    client.close()


def _seed(service: Service) -> dict[str, str]:
    script = str(Path(__file__).with_name("seed.py"))
    arguments, environment = [sys.executable, script], service.environment()
    made = subprocess.run(arguments, env=environment, check=True, capture_output=True, text=True)
    keys: dict[str, str] = json.loads(made.stdout)
    return keys


def _new_folder(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path
