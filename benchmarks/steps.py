"""What each step of a job costs, without the document: processor time of the worker and of its PostgreSQL backend.

    DATABASE_URL=postgres://postgres@127.0.0.1:5432/pdfservice python benchmarks/steps.py [--jobs 400]

Makes a database of its own on that server and drops it. All jobs walk each step before any walks the next, so the
claims find a queue that has just filled up.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from claim import own_database, submitter

PDF = b"%PDF-1.7" + bytes(30_000)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=400)
    jobs: int = parser.parse_args().jobs
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres") or not 1 <= jobs <= 100_000:
        parser.error("DATABASE_URL must name a PostgreSQL server, and --jobs lie between 1 and 100000")
    with own_database(server):
        print(f"{'milliseconds a job':<20} {'worker':>8} {'database':>9} {'passed':>8}")
        _walk(jobs)


def _walk(count: int) -> None:
    from django.db import connection
    from django.utils import timezone

    from downloads_app import services as files
    from jobs_app import transitions
    from jobs_app.batches import settlement
    from jobs_app.heartbeat import Heartbeat
    from jobs_app.models import Job
    from jobs_app.outcomes import Result
    from jobs_app.provenance import Provenance
    from pdfservice.lib import storage
    from pdfservice.teams.models import Team
    from templates_app.models import TemplateVersion, VersionStatus

    def key(job: Job) -> str:
        return storage.output_key(job.queued_at, job.external_id, job.claim_number)

    def beat(job: Job) -> None:
        with Heartbeat(job, lambda: None, longest_seconds=1).beating():
            pass

    def finish(job: Job, file: Any, stored: storage.StoredObject) -> bool:
        made_with = Provenance("0" * 64, "0" * 64, "plutobook", "1.0", ("Inter",))
        timings = {"queue_ms": 1, "render_ms": 1, "total_ms": 2}
        return transitions.complete(job, Result(file.pk, stored, 1, timings=timings, provenance=made_with))

    Team.objects.create(slug="acme", name="Acme")
    submit = submitter("acme")
    # What is published and has a schema is kept in memory, as nearly all that is made.
    TemplateVersion.objects.update(
        status=VersionStatus.PUBLISHED, published_at=timezone.now(), content_hash="0" * 64, payload_schema={}
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = int((cursor.fetchone() or [0])[0])
    _step("enqueue", backend, lambda _: transitions.enqueue(submit(), actor="benchmark"), [(n,) for n in range(count)])
    jobs = _step("claim", backend, lambda _: transitions.claim(worker="benchmark/1"), [(n,) for n in range(count)])
    each = [(job,) for job in jobs]
    _step("heartbeat", backend, beat, each)
    reserved = _step(
        "reserve the file", backend, lambda job: files.file_reserve(team=job.team, key=key(job), filename="a"), each
    )
    stored = _step(
        "store the bytes", backend, lambda job: storage.put(key(job), PDF, content_type="application/pdf"), each
    )
    done = _step("done", backend, finish, zip(jobs, reserved, stored, strict=True))
    assert all(done)
    _step("last of a batch?", backend, settlement.settle_after, each)


def _step(name: str, backend: int, do: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> list[Any]:
    worked, answered, began = time.process_time(), _clock(backend), time.perf_counter()
    results = [do(*each) for each in arguments]
    spent = (time.process_time() - worked, _clock(backend) - answered, time.perf_counter() - began)
    cells = " ".join(f"{1000 * seconds / len(results):8.2f}" for seconds in spent)
    print(f"{name:<20} {cells}", flush=True)
    return results


def _clock(pid: int) -> float:
    # The kernel's clock of another process: (~pid << 3) | 2, see clock_getcpuclockid(3).
    return time.clock_gettime((~pid << 3) | 2)


if __name__ == "__main__":
    main()
