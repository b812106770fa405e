"""What the page of one job shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from downloads_app.models import DownloadLink
from jobs_app.live.access import Access
from jobs_app.models import Job, JobAttempt
from jobs_app.states import FINAL, Kind, Status
from pdfservice.lib.errors import not_found
from pdfservice.teams.models import AuditEvent
from templates_app.redaction import redacted

_LONGEST_PAYLOAD = 200_000
_MOST_EVENTS = 500


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a timeline."""

    at: datetime
    action: str
    actor: str
    since_start_ms: int
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class JobPage:
    """A job with everything around it."""

    job: Job
    steps: Sequence[Step]
    attempts: Sequence[JobAttempt]
    links: Sequence[DownloadLink]
    payload: str
    payload_note: str
    options: str

    @property
    def has_output(self) -> bool:
        """Whether there is a document to look at."""
        output = self.job.output
        is_over = output is not None and output.expires_at is not None and output.expires_at <= timezone.now()
        return self.job.status == Status.DONE and output is not None and not is_over

    @property
    def can_cancel(self) -> bool:
        """Whether it may still be stopped."""
        return self.job.status not in FINAL and self.job.cancel_requested_at is None

    @property
    def can_retry(self) -> bool:
        """Whether it may be sent back."""
        ended = self.job.status in (Status.FAILED, Status.CANCELLED)
        return ended and Job.objects.repeatable().filter(pk=self.job.pk).exists()


def job_of(access: Access, job_id: UUID) -> Job:
    """Return a job that this person may see; raise ServiceError (404)."""
    jobs = Job.objects.exclude(kind=Kind.EXPAND).select_related("template_version__template", "output", "team")
    jobs = jobs.filter(team__in=access.choices)
    job = jobs.filter(external_id=job_id).first()
    if job is None:
        raise not_found("job")
    return job


def job_page(access: Access, job: Job) -> JobPage:
    """Gather what the page shows."""
    events = list(AuditEvent.objects.for_team(job.team).about(job.external_id)[:_MOST_EVENTS])
    payload, note = _payload(job) if access.may_read_payloads else ("", "Operators of the team can see it.")
    return JobPage(
        job=job,
        steps=[_step(event, job.queued_at) for event in events],
        attempts=list(job.attempts.all()),
        links=list(DownloadLink.objects.filter(file=job.output_id).order_by("-id")) if job.output_id else [],
        payload=payload,
        payload_note=note,
        options=json.dumps(_without_secrets(job.options), indent=2, ensure_ascii=False)
        if job.options and access.may_read_payloads
        else "",
    )


def _step(event: AuditEvent, start: datetime) -> Step:
    since = max(0, round((event.at - start).total_seconds() * 1000))
    return Step(event.at, event.action, event.actor, since, event.data)


def _payload(job: Job) -> tuple[str, str]:
    """Return the payload as people may see it, and a note where it is not all of it."""
    if job.payload is None:
        return "", "The payload was erased when its time was over."
    if len(job.payload) > _LONGEST_PAYLOAD:
        return "", f"The payload has {len(job.payload):,} characters, too many to show."
    schema = job.template_version.payload_schema if job.template_version else None
    shown = redacted(json.loads(job.payload), schema)
    return json.dumps(shown, indent=2, ensure_ascii=False), ""


def _without_secrets(options: dict[str, Any]) -> dict[str, Any]:
    return {name: "•••" if name in {"encryption", "attachments"} else value for name, value in options.items()}
