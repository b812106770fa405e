"""Old jobs leave the database with their attempts, their events and what is left of their output: never a payload."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from downloads_app.models import DownloadLink, StoredFile
from jobs_app import transitions
from jobs_app.archive import files
from jobs_app.models import ArchiveKind, Job, JobAttempt
from pdfservice.teams.models import AuditEvent

FILES_A_PASS = 10


def archive_jobs() -> int:
    """Move the jobs that ended ARCHIVE_AFTER_DAYS ago into files, and return how many those were."""
    before = timezone.now() - timedelta(days=settings.ARCHIVE_AFTER_DAYS)
    moved = 0
    for _ in range(FILES_A_PASS):
        oldest = _oldest(before)
        if not files.is_due(ArchiveKind.JOBS, len(oldest)):
            break
        jobs = _of_one_month(oldest)
        if _move(jobs, before):
            moved += len(jobs)
    return moved


def _move(jobs: Sequence[Job], before: datetime) -> bool:
    def delete() -> None:
        if not transitions.depart(jobs, before=before):
            raise files.RowsChanged("some of the jobs were sent back, or another loop was faster")

    times = [job.finished_at for job in jobs if job.finished_at]
    return files.move(ArchiveKind.JOBS, _described(jobs), times, delete) is not None


def _oldest(before: datetime) -> list[Job]:
    jobs = Job.objects.archivable(before).order_by("finished_at").defer("payload")
    related = jobs.select_related(
        "team", "template_version__template", "output", "requested_by_user", "requested_by_key"
    ).prefetch_related("attempts", "output__links")
    return list(related[: files.ROWS_A_FILE])


def _of_one_month(jobs: list[Job]) -> list[Job]:
    # A file lies under the month of what it holds, so that a reader who knows the month reads few.
    return [job for job in jobs if _month(job) == _month(jobs[0])]


def _month(job: Job) -> str:
    return f"{job.finished_at:%Y-%m}"


def _described(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    events: dict[UUID | None, list[AuditEvent]] = defaultdict(list)
    told = AuditEvent.objects.filter(subject_type="job", subject_id__in=[job.external_id for job in jobs])
    for event in told.order_by("id"):
        events[event.subject_id].append(event)
    return [describe(job, events[job.external_id]) for job in jobs]


def describe(job: Job, events: Sequence[AuditEvent]) -> dict[str, Any]:
    """Return a job as one line of an archive. Columns are named one by one: what is not named here is not archived."""
    version = job.template_version
    return {
        "v": 1,
        "id": str(job.external_id),
        "team": job.team.slug,
        "kind": job.kind,
        "status": job.status,
        "template": version.template.slug if version else None,
        "version": version.version if version else None,
        "requested_by": _requester(job),
        "priority": job.priority,
        "attempt_count": job.attempt_count,
        "payload_hash": job.payload_hash,
        "options": transitions.kept_options(job),
        "queued_at": _text(job.queued_at),
        "started_at": _text(job.started_at),
        "finished_at": _text(job.finished_at),
        "expires_in": job.expires_in,
        "page_count": job.page_count,
        "timings": job.timings,
        "provenance": job.provenance,
        "error": {"code": job.error_code, **transitions.kept_places(job)} if job.error_code else None,
        "output": _output(job.output) if job.output else None,
        "attempts": [_attempt(attempt) for attempt in job.attempts.all()],
        "events": [
            {"id": event.pk, "at": _text(event.at), "actor": event.actor, "action": event.action, "data": event.data}
            for event in events
        ],
    }


def _requester(job: Job) -> str:
    if job.requested_by_key:
        return f"key:{job.requested_by_key.prefix}"
    return f"user:{job.requested_by_user.get_username()}" if job.requested_by_user else ""


def _output(file: StoredFile) -> dict[str, Any]:
    return {
        "sha256": file.sha256,
        "size_bytes": file.size_bytes,
        "created_at": _text(file.created_at),
        "expires_at": _text(file.expires_at),
        "bytes_deleted_at": _text(file.bytes_deleted_at),
        "links": [_link(link) for link in file.links.all()],
    }


def _link(link: DownloadLink) -> dict[str, Any]:
    return {
        "id": str(link.external_id),
        "created_at": _text(link.created_at),
        "expires_at": _text(link.expires_at),
        "revoked_at": _text(link.revoked_at),
        "max_uses": link.max_uses,
        "use_count": link.use_count,
    }


def _attempt(attempt: JobAttempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "claim_number": attempt.claim_number,
        "worker": attempt.worker,
        "started_at": _text(attempt.started_at),
        "finished_at": _text(attempt.finished_at),
        "outcome": attempt.outcome,
        "error_code": attempt.error_code,
        "peak_memory_kb": attempt.peak_memory_kb,
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
