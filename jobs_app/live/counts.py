"""What waits, runs and works at this moment: a handful of queries whose cost hangs on no history."""

from __future__ import annotations

import uuid
from collections import Counter as Tally
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet
from django.db.models.functions import Now

from jobs_app.models import Job, WorkerPresence
from jobs_app.presence import SILENT_AFTER
from jobs_app.states import Status

Counts = Mapping[int | None, int]


@dataclass(frozen=True, slots=True)
class Task:
    """A job that a worker holds."""

    job: uuid.UUID
    team_id: int
    kind: str
    template: str
    started_at: datetime | None
    claimed_by: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that lives, and what it does."""

    cluster: str
    host: str
    started_at: datetime
    memory_kb: int
    task: Task | None


@dataclass(frozen=True, slots=True)
class Counted:
    """Numbers by team; None is for all teams together."""

    claimable: Counts
    retrying: Counts
    processing: Counts
    workers: tuple[Worker, ...]


def count_now() -> Counted:
    """Look; raises a database error."""
    tasks = [
        Task(*row)
        for row in Job.objects.under_way().values_list(
            "external_id", "team_id", "kind", "template_version__template__slug", "started_at", "claimed_by",
            "attempt_count",
        )
    ]  # fmt: skip
    return Counted(
        claimable=_by_team(Job.objects.claimable().order_by()),
        retrying=_by_team(Job.objects.waiting_for_retry()),
        processing=_with_sum(Tally(task.team_id for task in tasks)),
        workers=_workers({task.claimed_by.partition("/")[0]: task for task in tasks}),
    )


def count_dead() -> Counts:
    """Count the dead letters that are still in the table."""
    return _by_team(Job.objects.filter(status=Status.FAILED).order_by())


def _by_team(jobs: QuerySet[Job]) -> Counts:
    return _with_sum(dict(jobs.values("team_id").annotate(count=Count("pk")).values_list("team_id", "count")))


def _with_sum(counts: Mapping[int, int]) -> Counts:
    every: dict[int | None, int] = {team_id: count for team_id, count in counts.items()}  # noqa: C416  # wider keys
    every[None] = sum(counts.values())
    return every


def _workers(tasks: Mapping[str, Task]) -> tuple[Worker, ...]:
    living = WorkerPresence.objects.filter(seen_at__gt=Now() - SILENT_AFTER).order_by("host", "started_at", "cluster")
    return tuple(
        Worker(each.cluster, each.host, each.started_at, each.memory_kb, tasks.get(each.cluster)) for each in living
    )
