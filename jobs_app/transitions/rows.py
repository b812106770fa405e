"""What the arrows share: the row as long as it is this claim's, and the traces that each leaves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from jobs_app.models import Job, JobAttempt, JobQuerySet
from jobs_app.outcomes import Failure
from jobs_app.states import Outcome, Status
from pdfservice.lib.statements import Statement, run, update
from pdfservice.teams import audit
from pdfservice.teams.models import AuditEvent

# How often a job is tried before it is a dead letter; an operator who sends it back grants as many again.
ATTEMPTS = 3

NO_ERROR: dict[str, Any] = {"error_code": "", "error_message": "", "error_detail": {}}

# Of every job that a worker lets go of.
NO_HOLDER: dict[str, Any] = {"lease_expires_at": None, "claimed_by": "", "is_spooled": False}

# Of every job that ends.
NO_PASSWORDS: dict[str, Any] = {"sealed_passwords": ""}

CANCELLED: dict[str, Any] = {
    "error_code": "cancelled",
    "error_message": "The job was cancelled.",
    "error_detail": {},
    **NO_PASSWORDS,
}


def held(job: Job) -> JobQuerySet:
    """Return the row as long as it is still this claim's: the fencing token decides."""
    return Job.objects.filter(pk=job.pk, status=Status.PROCESSING, claim_number=job.claim_number)


def leave(job: Job, rows: JobQuerySet | None = None, **changes: Any) -> bool:
    """Update the row away from this claim; False when it is not this claim's any more."""
    rows = held(job) if rows is None else rows
    return bool(rows.update(**NO_HOLDER, **changes))


def drop_if_asked(job: Job, rows: JobQuerySet, failure: Failure | None = None) -> bool:
    """End the job as cancelled if somebody asked for it; False when nobody did."""
    asked = rows.filter(cancel_requested_at__isnull=False)
    if not leave(job, asked, status=Status.CANCELLED, finished_at=timezone.now(), **CANCELLED):
        return False
    end_attempt(job, Outcome.CANCELLED, failure)
    record(job, "job.cancelled", f"worker:{job.claimed_by}", outcome=Outcome.CANCELLED.value)
    return True


def error_fields(failure: Failure) -> dict[str, Any]:
    """Return a failure as columns of a job."""
    return {
        "error_code": failure.code,
        "error_message": failure.message,
        "error_detail": dict(failure.detail),
    }


def end_attempt(job: Job, outcome: Outcome, failure: Failure | None = None) -> None:
    """Close the attempt of this claim."""
    if failure is None:
        run(ending_attempt(job, outcome))
    else:
        run(
            ending_attempt(
                job,
                outcome,
                error_code=failure.code,
                error_message=failure.message,
                peak_memory_kb=failure.peak_memory_kb,
                log=failure.log,
            )
        )


def ending_attempt(job: Job, outcome: Outcome, **noted: Any) -> Statement:
    """Return what closes the attempt of this claim and notes what is known about it in its columns."""
    return update(
        JobAttempt,
        {"job_id": job.pk, "claim_number": job.claim_number},
        {"outcome": outcome, "finished_at": timezone.now(), **noted},
    )


def record(job: Job, action: str, actor: str, **data: Any) -> None:
    """Append the audit event of an arrow."""
    audit.append(event_of(job, action, actor, **data))


def event_of(job: Job, action: str, actor: str, **data: Any) -> AuditEvent:
    """Return the audit event of an arrow, not appended yet."""
    return AuditEvent(
        team_id=job.team_id, actor=actor, action=action, subject_type="job", subject_id=job.external_id, data=data
    )


def record_failure(job: Job, action: str, actor: str, outcome: Outcome, failure: Failure, **data: Any) -> None:
    """Append the audit event of an arrow that ends an attempt without a document."""
    record(
        job,
        action,
        actor,
        code=failure.code,
        attempt=job.attempt_count,
        outcome=outcome.value,
        peak_memory_kb=failure.peak_memory_kb,
        **data,
    )


def milliseconds_between(start: datetime, end: datetime | None) -> int:
    """Return how long it was, and nothing for clocks that disagree."""
    return max(0, round((end - start).total_seconds() * 1000)) if end else 0
