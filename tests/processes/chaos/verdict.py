"""What must be true once the dust has settled: every job's end, every byte in storage, nothing left over."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

from tests.processes.chaos.callers import Accepted
from tests.processes.chaos.loads import BATCHES, Load
from tests.processes.service import ROOT, Service
from tests.s3_server import BUCKET, S3Server

# These are decided by the document alone; every other one must have spent its attempts.
PERMANENT = frozenset({"template_error", "payload_error", "asset_missing", "too_large"})
# An attempt that was given back, because its worker was stopped or storage was away, is none.
FREE = "released"
_PASSES = 10


@dataclass(frozen=True)
class Ended:
    """A job as the database tells of it."""

    job: UUID
    kind: str
    status: str
    attempts: int
    most_attempts: int
    error: str
    key: str | None
    digest: str | None
    size: int | None
    state: str | None
    outcomes: tuple[str, ...]
    done_events: int


@dataclass(frozen=True)
class Batch:
    """A batch as the database tells of it; `is_whole` when each item has a job."""

    status: str
    output: str
    bundle_status: str | None
    is_whole: bool
    jobs: tuple[UUID, ...]


@dataclass
class Verdict:
    """What was found wrong, and figures about the rest."""

    faults: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)


def judge(service: Service, s3: S3Server, accepted: list[Accepted]) -> Verdict:
    """Compare the end with what was promised. The service must have stopped; this sweeps what it left for later."""
    verdict = Verdict()
    jobs = {each.job: each for each in _ended(service)}
    batches = _batches(service)
    verdict.faults += _wrong_with_batches(batches, accepted)
    loads = _promised(accepted, batches)
    if set(jobs) != set(loads):
        verdict.faults.append(
            f"{len(set(loads) - set(jobs))} accepted jobs are lost, {len(set(jobs) - set(loads))} were made "
            "that nobody was told of"
        )
    for job, ended in jobs.items():
        if job in loads:
            verdict.faults += [f"{job} ({loads[job].name}): {fault}" for fault in _wrong_with(ended, loads[job])]
    verdict.faults += _made_twice(service)
    verdict.faults += _sweep(service)
    verdict.faults += _wrong_with_storage(s3, jobs.values())
    ended_as = Counter(each.status for each in jobs.values())
    verdict.figures = {
        "jobs": dict(ended_as),
        "jobs by kind": dict(Counter(each.kind for each in jobs.values())),
        "batches": dict(Counter(each.status for each in batches.values())),
        "failures by load and code": dict(
            Counter(f"{loads[job].name}/{each.error}" for job, each in jobs.items() if each.error and job in loads)
        ),
        "attempts by outcome": dict(Counter(outcome for each in jobs.values() for outcome in each.outcomes)),
        "failed through no fault of their own": _unlucky(service, loads),
        "jobs that took more than one attempt": sum(each.attempts > 1 for each in jobs.values()),
        "events": dict(service.query("SELECT action, count(*) FROM teams_auditevent GROUP BY action ORDER BY action")),
    }
    return verdict


def _promised(accepted: list[Accepted], batches: dict[UUID, Batch]) -> dict[UUID, Load]:
    """Return every job that callers were promised, and for which load; a batch stands for several."""
    promised: dict[UUID, Load] = {}
    for each in accepted:
        of_batch = batches[each.job].jobs if each.job in batches else ()
        promised |= dict.fromkeys(of_batch if each.load.path == BATCHES else (each.job,), each.load)
    return promised


def _batches(service: Service) -> dict[UUID, Batch]:
    items: dict[UUID, list[Any]] = defaultdict(list)
    for batch, job, error in service.query(
        """SELECT b.external_id, j.external_id, i.error_code FROM jobs_app_batchitem i
           JOIN jobs_app_batch b ON b.id = i.batch_id LEFT JOIN jobs_app_job j ON j.id = i.job_id"""
    ):
        items[batch].append((job, error))
    rows = service.query(
        """SELECT b.external_id, b.status, b.output_mode, b.total, e.external_id, u.external_id, u.status
           FROM jobs_app_batch b JOIN jobs_app_job e ON e.id = b.expansion_id
           LEFT JOIN jobs_app_job u ON u.id = b.bundle_id"""
    )
    return {
        batch: Batch(
            status=status,
            output=output,
            bundle_status=bundle_status,
            is_whole=len(items[batch]) == total and all(job and not error for job, error in items[batch]),
            jobs=tuple(job for job in (expansion, bundle, *(job for job, _ in items[batch])) if job),
        )
        for batch, status, output, total, expansion, bundle, bundle_status in rows
    }


def _wrong_with_batches(batches: dict[UUID, Batch], accepted: list[Accepted]) -> Iterator[str]:
    promised = {each.job for each in accepted if each.load.path == BATCHES}
    if promised != set(batches):
        yield f"{len(promised - set(batches))} batches are lost, {len(set(batches) - promised)} nobody was told of"
    for batch, each in batches.items():
        if each.status not in {"done", "failed"}:
            yield f"batch {batch} is {each.status} for ever"
        if not each.is_whole:
            yield f"batch {batch} has not a job for each item"
        if each.status == "done" and each.output != "separate" and each.bundle_status != "done":
            yield f"batch {batch} is done without its {each.output} file: {each.bundle_status}"


def _ended(service: Service) -> Iterator[Ended]:
    outcomes: dict[int, list[str]] = defaultdict(list)
    for pk, outcome in service.query("SELECT job_id, outcome FROM jobs_app_jobattempt ORDER BY claim_number"):
        outcomes[pk].append(outcome)
    done = dict(
        service.query("SELECT subject_id, count(*) FROM teams_auditevent WHERE action = 'job.done' GROUP BY subject_id")
    )
    rows = service.query(
        """SELECT j.id, j.external_id, j.kind, j.status, j.attempt_count, j.max_attempts, j.error_code,
                  f.key, f.sha256, f.size_bytes, f.state
           FROM jobs_app_job j LEFT JOIN downloads_app_storedfile f ON f.id = j.output_id"""
    )
    for pk, job, *rest in rows:
        yield Ended(*(job, *rest, tuple(outcomes[pk]), done.get(job, 0)))


def _wrong_with(ended: Ended, load: Load) -> Iterator[str]:
    """Say why this is no honest end for a job of this load."""
    if ended.status not in {"done", "failed", "cancelled"}:
        yield f"it is {ended.status} for ever"
    if ended.attempts > ended.most_attempts:
        yield f"{ended.attempts} attempts"
    tries = [outcome for outcome in ended.outcomes if outcome != FREE]
    if len(tries) > ended.most_attempts or "running" in tries:
        yield f"its attempts ended as {tries}"
    if ended.status == "done":
        if load.must_fail:
            yield "it cannot be done"
        state = None if ended.kind == "expand" else "live"  # items become jobs, not a document
        if (ended.outcomes.count("done"), ended.done_events, ended.state) != (1, 1, state):
            yield f"finished {ended.outcomes.count('done')} times, {ended.done_events} events, output {ended.state}"
    if ended.status == "failed":
        if ended.error not in load.errors:
            yield f"failed with {ended.error}"
        if ended.error not in PERMANENT and ended.attempts < ended.most_attempts:
            yield f"gave up with {ended.error} after {ended.attempts} attempts"
    if ended.status == "cancelled" and load.name != "cancelled":
        yield "nobody asked to cancel it"


def _unlucky(service: Service, loads: dict[UUID, Load]) -> list[str]:
    """Return what befell each attempt of the jobs that failed although their documents can be made."""
    rows = service.query(
        "SELECT j.external_id, a.outcome, a.error_message FROM jobs_app_job j JOIN jobs_app_jobattempt a "
        "ON a.job_id = j.id WHERE j.status = 'failed' ORDER BY j.id, a.claim_number"
    )
    stories: dict[UUID, list[str]] = defaultdict(list)
    for job, outcome, message in rows:
        if job in loads and not loads[job].must_fail:
            stories[job].append(f"{outcome} ({message})")
    return [f"{loads[job].name} {job}: {', '.join(story)}" for job, story in stories.items()]


def _made_twice(service: Service) -> Iterator[str]:
    rows = service.query(
        "SELECT cache_key, count(*) FROM jobs_app_job WHERE status = 'done' AND cache_key <> '' "
        "GROUP BY team_id, cache_key HAVING count(*) > 1"
    )
    for cache_key, count in rows:
        yield f"the same work ({cache_key[:8]}) was done {count} times"


def _sweep(service: Service) -> Iterator[str]:
    """Let what nobody finished grow old, sweep, and say what is still there."""
    service.execute("UPDATE downloads_app_storedfile SET created_at = created_at - interval '1 day'")
    spooled = list((service.directory / "spool").glob("*"))
    for path in spooled:
        os.utime(path, (time.time() - 86_400,) * 2)
    command = [sys.executable, str(ROOT / "manage.py"), "maintain", "--once"]
    environment = service.environment()
    # One pass sweeps 500, and each answer 503 to a batch left a reservation behind.
    for _ in range(_PASSES):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            yield f"maintain --once failed: {done.stderr[-500:]}"
    for state, count in service.query(
        "SELECT state, count(*) FROM downloads_app_storedfile "
        "WHERE state = 'pending' OR (state = 'deleted' AND bytes_deleted_at IS NULL) GROUP BY state"
    ):
        yield f"{count} files are {state} after the sweep"
    if left := list((service.directory / "spool").glob("*")):
        yield f"{len(left)} spooled documents are left after the sweep"


def _wrong_with_storage(s3: S3Server, jobs: Any) -> Iterator[str]:
    """Fetch the output of every job that is done, and look for objects that belong to none."""
    client = s3.client()
    expected = {each.key: each for each in jobs if each.status == "done" and each.kind != "expand"}
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="pdf-output/")
    found = {item["Key"] for page in pages for item in page.get("Contents", ())}
    if surplus := found - set(expected):
        yield f"{len(surplus)} objects belong to no job that is done: {sorted(surplus)[:3]}"
    for key, each in expected.items():
        if key not in found:
            yield f"{each.job}: its output is missing from storage"
            continue
        data = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        if (sha256(data).hexdigest(), len(data)) != (each.digest, each.size) or not data.startswith((b"%PDF-", b"PK")):
            yield f"{each.job}: its output is not what the database says"
    client.close()
