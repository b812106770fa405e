"""The service as its operators run it: real processes on a database, a broker and a directory of their own."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pypdfium2

from tests.processes.procfs import Process, is_running, living, process

ROOT = Path(__file__).resolve().parents[2]
# Rows of the table that the templates print: so many take about a second of rendering.
SLOW = 12_000
# Our own connections to a service's database have a name, and are spared when all of the service's are cut.
OBSERVER = "tests"
CUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name <> 'tests'"""
_FOREIGN = {"DATABASE_URL", "REDIS_URL", "S3_BUCKET", "SECRET_KEY", "PUBLIC_URL", "HOST", "PORT", "DATA_DIR", "WORKERS"}


def until(condition: Callable[[], Any], what: str, *, seconds: float = 30.0) -> None:
    """Wait until the condition holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s until {what}")
        pause.wait(0.02)


@dataclass(frozen=True)
class Cluster:
    """One cluster of `manage.py work`, by what its processes are for."""

    leader: Process
    worker: Process
    monitor: Process
    pusher: Process

    @property
    def zygote(self) -> Process:
        """The process that forks the worker's renderers."""
        return self.worker.children()[0]

    @property
    def renderers(self) -> list[Process]:
        """The confined processes that make documents."""
        return self.zygote.children()


@dataclass
class Service:
    """A service and the one team that it serves, whose API key is `key`. Without `database_url` it runs on SQLite."""

    directory: Path
    database_url: str
    redis_url: str
    key: str = field(repr=False)
    variables: Mapping[str, str] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.base = f"http://127.0.0.1:{self.port}"
        self.log_path = self.directory / "service.log"
        self.http = httpx.Client(
            base_url=self.base, headers={"Authorization": f"Bearer {self.key}"}, timeout=60, trust_env=False
        )

    def environment(self) -> dict[str, str]:
        """Return the environment of the service's processes."""
        inherited = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in _FOREIGN}
        ours = {"DATA_DIR": str(self.directory), "PORT": str(self.port), "WORKERS": "2", "LEASE_SECONDS": "6"}
        if self.database_url or self.redis_url:
            ours["SECRET_KEY"] = "only-for-tests-" + "x" * 50
        urls = {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}
        # They die with us, should this test run be killed: as they would with their own keeper.
        return {**inherited, **urls, **ours, **self.variables, "PDFSERVICE_PARENT_PID": str(os.getpid())}

    def start(self, *names: str) -> None:
        """Start `manage.py NAME` for each name."""
        for name in names:
            with self.log_path.open("ab") as log:
                self.running[name] = subprocess.Popen(
                    [sys.executable, str(ROOT / "manage.py"), name],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self.environment(),
                )

    def top(self, name: str) -> Process:
        """Return the process of `manage.py NAME`."""
        return process(self.running[name].pid)

    def wait_until_ready(self, *, workers: int = 2) -> None:
        """Wait until the web process answers and so many workers look for work."""
        if "web" in self.running or "serve" in self.running:
            until(self._answers, "the web process answers", seconds=60)
        until(lambda: len(self.idle_workers()) >= workers, f"{workers} workers are ready", seconds=60)

    def idle_workers(self) -> list[int]:
        """Return the ids of the living workers that have warmed up, from what they wrote into the log."""
        ready = [line.rpartition("/")[2].split()[0] for line in self.log().splitlines() if "is ready." in line]
        return [int(pid) for pid in ready if is_running(int(pid))]

    def clusters(self) -> list[Cluster]:
        """Return the clusters that are complete."""
        top = self.top("work") if "work" in self.running else self.top("serve")
        leaders = {each: each.children() for each in top.descendants() if each.runs("--cluster")}
        return [Cluster(leader, *members) for leader, members in leaders.items() if len(members) == 3]

    def log(self) -> str:
        """Return what all processes wrote."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM, *, seconds: float = 30.0) -> None:
        """Send one signal to `manage.py NAME`; fail unless all of its processes are gone in time."""
        top = self.top(name)
        family = [top, *top.descendants()]
        running = self.running.pop(name)
        running.send_signal(number)
        try:
            running.wait(seconds)
            until(lambda: not living(family), f"every process of {name} is gone", seconds=10)
        finally:
            for each in living([*family, *top.descendants()]):
                each.send(signal.SIGKILL)
            running.wait()

    def close(self) -> None:
        """Stop everything; fail when something stays behind."""
        self.http.close()
        for name in list(self.running):
            if self.running[name].poll() is None:
                self.stop(name)
            else:
                self.running.pop(name)

    def submit(
        self, count: int, *, rows: int = 1, template: str = "plutobook", payload: Mapping[str, Any] | None = None
    ) -> list[UUID]:
        """Send `count` requests, sixteen at a time; each must answer 202. Return the jobs in the order of requests.

        Each has a payload of its own, so that none is answered by an earlier one's document.
        """

        def send(number: int) -> UUID:
            unique = uuid4().hex
            values = (
                {"number": number, "rows": rows, "unique": unique} if payload is None else {**payload, "number": unique}
            )
            body = {"template": template, "payload": values}
            answer = self.http.post("/pdf/generate", json=body)
            assert answer.status_code == 202, answer.text
            return UUID(answer.json()["id"])

        with ThreadPoolExecutor(16) as pool:
            return list(pool.map(send, range(count)))

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows that the service's database answers."""
        if self.database_url:
            with psycopg.connect(self.database_url, autocommit=True, application_name=OBSERVER) as connection:
                return connection.execute(sql.encode()).fetchall()
        with closing(sqlite3.connect(self.directory / "pdfservice.sqlite3", timeout=30)) as lite:
            return lite.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        """Change something in the service's database."""
        if self.database_url:
            with psycopg.connect(self.database_url, autocommit=True, application_name=OBSERVER) as connection:
                connection.execute(sql.encode())
            return
        with closing(sqlite3.connect(self.directory / "pdfservice.sqlite3", timeout=30)) as lite, lite:
            lite.execute(sql)

    def statuses(self, jobs: Iterable[UUID]) -> Counter[str]:
        """Count the jobs by status."""
        wanted = set(jobs)
        rows = self.query("SELECT external_id, status FROM jobs_app_job")
        return Counter(status for job, status in rows if UUID(str(job)) in wanted)

    def wait_until_done(self, jobs: Sequence[UUID], *, seconds: float = 60.0) -> None:
        """Wait until all are done."""
        try:
            until(lambda: self.statuses(jobs) == {"done": len(jobs)}, "all jobs are done", seconds=seconds)
        except AssertionError as error:
            tail = "\n".join(self.log().splitlines()[-60:])
            raise AssertionError(f"{error}: {self.statuses(jobs)}\n{tail}") from None

    def wait_until_processing(self, jobs: Sequence[UUID], *, count: int = 1) -> list[int]:
        """Wait until so many of the jobs are being worked on; return the ids of their workers."""
        holders: list[int] = []

        def look() -> bool:
            sql = "SELECT external_id, claimed_by FROM jobs_app_job WHERE status = 'processing'"
            held = [by for job, by in self.query(sql) if UUID(str(job)) in set(jobs)]
            holders[:] = [int(by.rpartition("/")[2]) for by in held]
            return len(holders) >= count

        until(look, f"{count} of the jobs are being worked on")
        return holders

    def attempts(self, jobs: Iterable[UUID]) -> Counter[UUID]:
        """Count the attempts of each job."""
        wanted = set(jobs)
        rows = self.query("SELECT external_id FROM jobs_app_job j JOIN jobs_app_jobattempt a ON a.job_id = j.id")
        return Counter(job for row in rows if (job := UUID(str(row[0]))) in wanted)

    def events(self, job: UUID) -> list[str]:
        """Return what happened to a job, oldest first, as the API tells it."""
        return [event["action"] for event in self.http.get(f"/pdf/jobs/{job}/events").json()]

    def outputs(self, jobs: Iterable[UUID]) -> dict[UUID, bytes]:
        """Return the bytes of each job's output after comparing them with what the database says about them."""
        wanted = set(jobs)
        sql = """SELECT j.external_id, f.key, f.sha256, f.size_bytes, f.state
                 FROM jobs_app_job j JOIN downloads_app_storedfile f ON f.id = j.output_id"""
        found: dict[UUID, bytes] = {}
        for external_id, key, digest, size, state in self.query(sql):
            if (job := UUID(str(external_id))) in wanted:
                found[job] = data = (self.directory / "files" / key).read_bytes()
                assert (sha256(data).hexdigest(), len(data), state) == (digest, size, "live")
        return found

    def assert_done_once(self, jobs: Sequence[UUID]) -> None:
        """Assert that each job is done, by one attempt, with one output: the document that was asked for."""
        assert len(set(jobs)) == len(jobs)
        assert self.statuses(jobs) == {"done": len(jobs)}
        outputs = self.outputs(jobs)
        assert len({sha256(data).digest() for data in outputs.values()}) == len(jobs)
        for number, job in enumerate(jobs):
            assert f"Document {number}." in text_of(outputs[job])
        sql = """SELECT j.external_id FROM jobs_app_job j JOIN jobs_app_jobattempt a ON a.job_id = j.id
                 WHERE a.outcome = 'done'"""
        finished = Counter(UUID(str(row[0])) for row in self.query(sql))
        noted = Counter(
            UUID(str(row[0])) for row in self.query("SELECT subject_id FROM teams_auditevent WHERE action = 'job.done'")
        )
        live = Counter(
            row[0].rpartition("/")[2][:36]
            for row in self.query("SELECT key FROM downloads_app_storedfile WHERE state = 'live'")
        )
        for job in jobs:
            assert (finished[job], noted[job], live[str(job)]) == (1, 1, 1), job

    def _answers(self) -> bool:
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False


def text_of(pdf: bytes) -> str:
    """Return the text of a PDF's first page."""
    with pypdfium2.PdfDocument(pdf) as document:
        page = document[0]
        return str(page.get_textpage().get_text_range())
