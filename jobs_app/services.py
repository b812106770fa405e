"""What may be done with jobs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from downloads_app.models import StoredFile
from jobs_app import transitions
from jobs_app.models import Job
from jobs_app.states import Kind, Status
from pdfservice.lib.errors import conflict, gone, not_found
from pdfservice.lib.json_parser import too_large
from pdfservice.teams.callers import Caller
from templates_app.models import Template
from templates_app.services import version_resolve

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """A document that a caller asks for.

    `expires_in` (seconds, None keeps the output) counts only without `keeps_default`, which takes the template's or the
    team's retention.
    """

    template: str
    payload: Mapping[str, Any]
    version: int | None = None
    priority: int = 5
    options: Mapping[str, Any] = field(default_factory=dict)
    keeps_default: bool = True
    expires_in: int | None = None


def job_submit(*, caller: Caller, request: RenderRequest) -> Job:
    """Accept a document and return its job, queued.

    Raises ServiceError: 404 for an unknown template or version, 409 for a retired version, 413 for too large a payload.
    """
    payload = json.dumps(request.payload, ensure_ascii=False, separators=(",", ":"))
    data = payload.encode()
    if len(data) > settings.MAX_PAYLOAD_BYTES:
        raise too_large(settings.MAX_PAYLOAD_BYTES)
    version = version_resolve(team=caller.team, slug=request.template, version=request.version)
    job = Job(
        team=caller.team,
        kind=Kind.RENDER,
        template_version=version,
        requested_by_user=caller.user,
        requested_by_key=caller.api_key,
        payload=payload,
        payload_hash=hashlib.sha256(data).hexdigest(),
        options=dict(request.options),
        priority=request.priority,
        effective_priority=request.priority,
        expires_in=_kept_seconds(version.template) if request.keeps_default else request.expires_in,
    )
    transitions.enqueue(job, actor=caller.actor)
    return job


def job_get(*, caller: Caller, job_id: UUID) -> Job:
    """Return a job that the caller may see, with what its representation shows; raise ServiceError (404)."""
    jobs = Job.objects.visible_to(caller).select_related("template_version__template", "output")
    job = jobs.filter(external_id=job_id).first()
    if job is None:
        raise not_found("job")
    return job


def _kept_seconds(template: Template) -> int | None:
    days = template.team.retention_days if template.retention_days is None else template.retention_days
    return None if days is None else days * SECONDS_PER_DAY


def job_output(*, caller: Caller, job_id: UUID) -> StoredFile:
    """Return what the job made; raise ServiceError: 404 unseen, 409 while it is not done, 410 once it has expired."""
    job = job_get(caller=caller, job_id=job_id)
    expired = job.output is not None and job.output.expires_at is not None and job.output.expires_at <= timezone.now()
    if job.status == Status.EXPIRED or expired:
        raise gone("The document has expired and was deleted.", "expired")
    if job.status != Status.DONE or job.output is None:
        raise conflict(f"The job is {job.status}; there is a file only once it is done.", "not_done")
    return job.output
