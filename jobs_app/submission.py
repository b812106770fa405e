"""From a request for a document to the job that answers it: a new one, or one that was there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from jobs_app import backpressure, dedup, idempotency, transitions
from jobs_app.models import Job
from jobs_app.passwords import ENCRYPTION, sealed_for, take_out
from jobs_app.states import Kind
from pdfservice.lib.errors import ServiceError, unavailable
from pdfservice.lib.json_parser import too_large
from pdfservice.teams import audit
from pdfservice.teams.callers import Caller
from templates_app.finishing_options import refuse_impossible
from templates_app.models import Template, TemplateVersion
from templates_app.payloads import payload_faults
from templates_app.services import version_resolve
from templates_app.watermark_options import with_watermark

SECONDS_PER_DAY = 86_400
# Callers who meet at the same moment: one inserts, the others find it on their second look.
_LOOKS = 5


class _Overtaken(Exception):
    """The same work was begun and finished between the look for it and the insert."""


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """A document that a caller asks for.

    `expires_in` (seconds, None keeps the output) counts only without `keeps_default`, which takes the template's or the
    team's retention. Without `dedup` it is rendered in any case.
    """

    template: str
    payload: Mapping[str, Any]
    version: int | None = None
    priority: int = 5
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)  # it may hold passwords
    keeps_default: bool = True
    expires_in: int | None = None
    dedup: bool = True


@dataclass(frozen=True, slots=True)
class Submitted:
    """The job that answers a request, and whether it was there before."""

    job: Job
    deduplicated: bool


def job_submit(
    *, caller: Caller, request: RenderRequest, idempotency_key: str | None = None, body: Any = None
) -> Submitted:
    """Accept a document and return its job.

    `body` is the request as it was sent, for the idempotency key. Raises ServiceError: 404 for an unknown template or
    version, 409 for a retired version, 413 for too large a payload, 422 for a payload that does not fit the version's
    schema and for a key that came with another request, 429 when the queue is full and no earlier job answers.
    """
    payload = json.dumps(request.payload, ensure_ascii=False, separators=(",", ":"))
    if len(payload.encode()) > settings.MAX_PAYLOAD_BYTES:
        raise too_large(settings.MAX_PAYLOAD_BYTES)
    guard = idempotency.guard(caller=caller, key=idempotency_key, body=body)
    # Asked before looking for a job that answers: if that very job took the last place, the look finds it.
    refused = backpressure.refusal(team=caller.team, count=1)
    if known := guard.recall():
        return Submitted(known, deduplicated=True)
    version = version_resolve(team=caller.team, slug=request.template, version=request.version)
    _refuse_unfit(version, request.payload)
    refuse_impossible(request.options, engine=version.engine)
    request = replace(request, options=with_watermark(request.options, team=caller.team))
    job = _new_job(caller, request, version, payload)
    if request.dedup and ENCRYPTION not in job.options:
        job.cache_key = dedup.cache_key(
            team_id=caller.team.pk,
            shares_with=dedup.shares_with(caller),
            version=version,
            payload=request.payload,
            options=job.options,
        )
    for _ in range(_LOOKS):
        try:
            if answering := _answering(job):
                return _share(caller, answering, job, guard)
            if refused is not None:
                raise refused
            with transaction.atomic():
                transitions.enqueue(job, actor=caller.actor)
                if job.cache_key and dedup.is_done_already(job):
                    raise _Overtaken
                guard.remember(job)
        except (IntegrityError, _Overtaken):
            # Somebody was first, with the same work or with the same idempotency key.
            job.pk = None
            refused = backpressure.refusal(team=caller.team, count=1)
            if known := guard.recall():
                return Submitted(known, deduplicated=True)
        else:
            return Submitted(job, deduplicated=False)
    raise unavailable("Too many callers ask for the same document at this moment.")


def _refuse_unfit(version: TemplateVersion, payload: Mapping[str, Any]) -> None:
    if faults := payload_faults(version, payload):
        message = f"The payload has {len(faults)} fault{'s' * (len(faults) != 1)}; see errors."
        raise ServiceError(422, "payload_invalid", message, faults)


def _new_job(caller: Caller, request: RenderRequest, version: TemplateVersion, payload: str) -> Job:
    options, passwords = take_out(request.options)
    job = Job(
        team=caller.team,
        kind=Kind.RENDER,
        template_version=version,
        requested_by_user=caller.user,
        requested_by_key=caller.api_key,
        payload=payload,
        payload_hash=hashlib.sha256(payload.encode()).hexdigest(),
        options=options,
        priority=request.priority,
        effective_priority=request.priority,
        max_attempts=transitions.ATTEMPTS,
        expires_in=kept_seconds(version.template) if request.keeps_default else request.expires_in,
    )
    job.sealed_passwords = sealed_for(job, passwords)
    return job


def _answering(job: Job) -> Job | None:
    return dedup.find(team_id=job.team_id, key=job.cache_key) if job.cache_key else None


def _share(caller: Caller, answering: Job, wanted: Job, guard: idempotency.Guard) -> Submitted:
    with transaction.atomic():
        dedup.share(answering, expires_in=wanted.expires_in, priority=wanted.priority)
        guard.remember(answering)
        audit.record(
            team_id=caller.team.pk,
            actor=caller.actor,
            action="job.shared",
            subject_type="job",
            subject_id=answering.external_id,
        )
    answering.refresh_from_db(fields=["status", "priority", "expires_in", "output"])
    return Submitted(answering, deduplicated=True)


def kept_seconds(template: Template) -> int | None:
    """Return how long a template's outputs are kept by default, in seconds; None keeps them."""
    days = template.team.retention_days if template.retention_days is None else template.retention_days
    return None if days is None else days * SECONDS_PER_DAY
