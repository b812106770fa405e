"""The same work is done once: what requests have in common, and the job that answers for them all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import rfc8785
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Greatest
from django.utils import timezone

from downloads_app.models import StoredFile
from jobs_app.models import Job
from jobs_app.states import UNDER_WAY, Status
from pdfservice.teams.callers import Caller
from pdfservice.teams.scopes import Scope
from templates_app.models import TemplateVersion


def shares_with(caller: Caller) -> str:
    """Return with whom a caller shares jobs: empty for the whole team.

    A caller who may see only their own jobs shares with nobody: they could not read the job that answers.
    """
    return "" if caller.may(Scope.JOBS_READ) else caller.actor


def cache_key(
    *, team_id: int, shares_with: str, version: TemplateVersion, payload: Any, options: Mapping[str, Any]
) -> str:
    """Return what equal requests have in common: SHA-256 in hex over team, content, payload and options.

    Payload and options are canonical JSON (RFC 8785), so neither the order of keys nor white space matters. A version's
    content hash covers its source, style, assets and engine.
    """
    parts = [str(team_id), shares_with, str(version.pk), version.content_hash, canonical(payload), canonical(options)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def canonical(value: Any) -> str:
    """Return `value` as canonical JSON (RFC 8785).

    That has no whole numbers beyond 2^53, which JSON itself has: such a value is written with sorted keys instead,
    marked, so that it never equals the canonical form of another.
    """
    try:
        return rfc8785.dumps(value).decode()
    except rfc8785.CanonicalizationError:
        return "sorted:" + json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def find(*, team_id: int, key: str) -> Job | None:
    """Return the job that answers for `key`: one under way, else the newest that is done and whose output lives."""
    jobs = Job.objects.filter(team_id=team_id, cache_key=key).select_related("template_version__template", "output")
    under_way = jobs.filter(status__in=UNDER_WAY).first()
    if under_way is not None:
        return under_way
    live = Q(output__in=StoredFile.objects.readable())
    return jobs.filter(live, status=Status.DONE).order_by("-id").first()


def is_done_already(job: Job) -> bool:
    """Say whether the work of a job that was just inserted is done: asked in the transaction of the insert.

    No equal job is under way then, for the database allows one, and one that was has committed its end.
    """
    done = Job.objects.filter(team_id=job.team_id, cache_key=job.cache_key, status=Status.DONE)
    return done.filter(output__in=StoredFile.objects.readable()).exists()


def find_all(*, team_id: int, keys: Collection[str]) -> dict[str, int]:
    """Return the primary keys of the jobs that answer for `keys`, as `find` would, in one query."""
    jobs = Job.objects.filter(team_id=team_id, cache_key__in=keys)
    live = Q(output__in=StoredFile.objects.readable(), status=Status.DONE)
    rows = jobs.filter(Q(status__in=UNDER_WAY) | live).values_list("cache_key", "pk", "status").order_by("id")
    # The newest wins among the done ones, and one under way among them all.
    ranked = sorted(rows, key=lambda row: row[2] in UNDER_WAY)
    return {key: pk for key, pk, _ in ranked}


def share_all(job_ids: Collection[int], *, expires_in: int | None, priority: int) -> None:
    """Make the answering jobs serve one more caller, as `share` does, in three queries whatever their number."""
    under_way = Job.objects.filter(pk__in=job_ids, status__in=UNDER_WAY)
    under_way.update(expires_in=_longest("expires_in", expires_in), is_shared=True)
    waiting = under_way.filter(status=Status.QUEUED, effective_priority__gt=priority)
    waiting.update(priority=priority, effective_priority=priority)
    until = None if expires_in is None else timezone.now() + timedelta(seconds=expires_in)
    outputs = StoredFile.objects.readable().filter(pk__in=Job.objects.filter(pk__in=job_ids).values("output"))
    outputs.update(expires_at=_longest("expires_at", until))


def share(job: Job, *, expires_in: int | None, priority: int) -> None:
    """Make the answering job serve one more caller: kept as long as the longest asked, as urgent as the most urgent."""
    under_way = Job.objects.filter(pk=job.pk, status__in=UNDER_WAY)
    # Touching the row first settles the race with its finish: either that sees the new time, or there is an output.
    if under_way.update(expires_in=_longest("expires_in", expires_in), is_shared=True):
        waiting = under_way.filter(status=Status.QUEUED, effective_priority__gt=priority)
        waiting.update(priority=priority, effective_priority=priority)
        return
    output_id = Job.objects.values_list("output", flat=True).get(pk=job.pk)
    until = None if expires_in is None else timezone.now() + timedelta(seconds=expires_in)
    StoredFile.objects.readable().filter(pk=output_id).update(expires_at=_longest("expires_at", until))


def _longest(field: str, asked: int | datetime | None) -> Case | None:
    # Null keeps for ever: it is the longest on either side.
    if asked is None:
        return None
    return Case(When(Q((field, None)), then=None), default=Greatest(F(field), Value(asked)))
