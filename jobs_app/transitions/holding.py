"""The arrows that a worker walks with a job that it holds: the claim, and every way to let go."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone

from downloads_app import services as files
from jobs_app import queue
from jobs_app.models import Job, JobAttempt
from jobs_app.outcomes import Failure, Result
from jobs_app.states import Outcome, Status
from jobs_app.transitions.rows import (
    NO_ERROR,
    NO_HOLDER,
    NO_PASSWORDS,
    drop_if_asked,
    end_attempt,
    ending_attempt,
    error_fields,
    event_of,
    held,
    leave,
    milliseconds_between,
    record,
    record_failure,
)
from pdfservice.lib.statements import (
    BLANK_TEXT,
    Statement,
    compiled_update,
    from_returned,
    in_index_order,
    insert,
    returning,
    run,
    update,
)
from pdfservice.teams import audit
from templates_app.recent_versions import version_recent


def claim(*, worker: str) -> Job | None:
    """Take the best waiting job for `worker`: counts the attempt, starts the lease, grows the fencing token.

    Returns it with its version, template and team, or None when nothing waits.
    """
    with transaction.atomic():
        taken = next((answer for answer in run(*_claiming(worker)) if answer.first), None)
        if taken is None or taken.first is None:
            return None
        job = from_returned(Job, taken.first)
        attempt = JobAttempt(
            job=job,
            number=job.attempt_count,
            claim_number=job.claim_number,
            worker=worker,
            started_at=job.started_at or job.due_since,  # it has been set just now
        )
        waited_ms = milliseconds_between(job.due_since, job.started_at)
        event = event_of(job, "job.processing", f"worker:{worker}", attempt=job.attempt_count, waited_ms=waited_ms)
        audit.append(event, beside=[insert(attempt)])
        if job.template_version_id is not None:
            job.template_version = version_recent(version_id=job.template_version_id)
            job.team = job.template_version.template.team
    return job


def _claiming(worker: str) -> list[Statement]:
    return in_index_order(_claim_made(connection.vendor, settings.LEASE_SECONDS).filled({BLANK_TEXT: worker}))


@lru_cache
def _claim_made(vendor: str, lease_seconds: int) -> Statement:
    """Return the claim: it takes the best job that nobody else has locked, and answers with it.

    The moment is the database's, which leases are measured by.
    """
    best = Job.objects.claimable().select_for_update(skip_locked=True).values("pk")[:1]
    claim = compiled_update(
        Job.objects.filter(pk=best, status=Status.QUEUED, run_at=None),
        status=Status.PROCESSING,
        claimed_by=BLANK_TEXT,
        started_at=Now(),
        lease_expires_at=Now() + timedelta(seconds=lease_seconds),
        attempt_count=F("attempt_count") + 1,
        claim_number=F("claim_number") + 1,
    )
    return replace(claim, sql=claim.sql + returning(Job))


def renew(job: Job) -> bool:
    """Extend the lease; False when the job is no longer this claim's."""
    return bool(held(job).update(lease_expires_at=lease_end()))


def mark_spooled(job: Job) -> bool:
    """Note that the document is made and spooled on the worker's host; False when the job is no longer this claim's."""
    return bool(held(job).update(is_spooled=True))


def is_cancel_requested(job: Job) -> bool:
    """Say whether somebody asked to cancel a job that this claim holds."""
    return held(job).filter(cancel_requested_at__isnull=False).exists()


def complete(job: Job, result: Result) -> bool:
    """Finish the job with its output, unless somebody else holds it by now."""
    keeps_for = job.expires_in
    while not _complete(job, result, keeps_for):
        # Another caller who shares the job may have asked to keep it longer meanwhile.
        kept = held(job).values_list("expires_in").first()
        if kept is None:
            return False
        [keeps_for] = kept
    return True


def _complete(job: Job, result: Result, keeps_for: int | None) -> bool:
    """Finish a job whose output is to be kept for so many seconds; False when that or its holder has changed."""
    now = timezone.now()
    leaving = update(
        Job,
        {"id": job.pk, "status": Status.PROCESSING, "claim_number": job.claim_number, "expires_in": keeps_for},
        {
            "status": Status.DONE,
            "finished_at": now,
            "output_id": result.file_id,
            "page_count": result.page_count,
            "warnings": list(result.warnings),
            "timings": dict(result.timings),
            "provenance": asdict(result.provenance) if result.provenance else None,
            **NO_HOLDER,
            **NO_PASSWORDS,
            **NO_ERROR,
        },
    )
    confirming = files.file_confirming(
        file_id=result.file_id,
        stored=result.stored,
        expires_at=None if keeps_for is None else now + timedelta(seconds=keeps_for),
        page_count=result.page_count,
    )
    ending = ending_attempt(job, Outcome.DONE, peak_memory_kb=result.peak_memory_kb, log=result.log)
    event = event_of(
        job,
        "job.done",
        f"worker:{job.claimed_by}",
        pages=result.page_count,
        sha256=result.stored.sha256,
        outcome=Outcome.DONE.value,
        render_ms=result.timings.get("render_ms"),
        peak_memory_kb=result.peak_memory_kb,
        **({"began_child": True} if result.began_child else {}),
    )
    with transaction.atomic():
        left, confirmed, _ = audit.append(event, beside=[leaving, confirming, ending])
        if not left.count:
            transaction.set_rollback(True)
            return False
        if not confirmed.count:
            raise RuntimeError(f"File {result.file_id} of job {job.external_id} was swept before the job was done.")
    return True


def conclude(job: Job) -> bool:
    """Finish a job whose work leaves no document, unless somebody else holds it by now."""
    with transaction.atomic():
        if not leave(job, status=Status.DONE, finished_at=timezone.now(), **NO_PASSWORDS, **NO_ERROR):
            return False
        end_attempt(job, Outcome.DONE)
        record(job, "job.done", f"worker:{job.claimed_by}", outcome=Outcome.DONE.value)
    return True


def fail(job: Job, failure: Failure) -> bool:
    """End the job for good."""
    with transaction.atomic():
        if not leave(job, status=Status.FAILED, finished_at=timezone.now(), **NO_PASSWORDS, **error_fields(failure)):
            return False
        end_attempt(job, Outcome.FAILED, failure)
        record_failure(job, "job.failed", f"worker:{job.claimed_by}", Outcome.FAILED, failure)
    return True


def retry(job: Job, failure: Failure, *, delay: timedelta) -> bool:
    """Send the job back to wait `delay` for its next attempt; False also when it has none left."""
    # Else it would come back as one that nobody can claim, at the head of the queue.
    unspent = held(job).filter(attempt_count__lt=F("max_attempts"))
    with transaction.atomic():
        if drop_if_asked(job, held(job), failure):
            return True
        later: dict[str, Any] = {"run_at": Now() + delay, "started_at": None}
        if not leave(job, unspent, status=Status.QUEUED, **later, **error_fields(failure)):
            return False
        end_attempt(job, Outcome.RETRY, failure)
        record_failure(job, "job.retrying", f"worker:{job.claimed_by}", Outcome.RETRY, failure)
    return True


def postpone(job: Job, failure: Failure, *, delay: timedelta) -> bool:
    """Send the job back to wait `delay` through no fault of its own, and the attempt with it."""
    with transaction.atomic():
        if drop_if_asked(job, held(job), failure):
            return True
        later: dict[str, Any] = {"run_at": Now() + delay, "attempt_count": F("attempt_count") - 1}
        if not leave(job, status=Status.QUEUED, started_at=None, **later, **error_fields(failure)):
            return False
        end_attempt(job, Outcome.RELEASED, failure)
        record_failure(job, "job.postponed", f"worker:{job.claimed_by}", Outcome.RELEASED, failure)
    return True


def release(job: Job) -> bool:
    """Give an unfinished job back, and the attempt with it: its worker was asked to stop."""
    with transaction.atomic():
        if drop_if_asked(job, held(job)):
            return True
        if not leave(job, status=Status.QUEUED, started_at=None, due_since=Now(), attempt_count=F("attempt_count") - 1):
            return False
        end_attempt(job, Outcome.RELEASED)
        record(job, "job.released", f"worker:{job.claimed_by}", outcome=Outcome.RELEASED.value)
        queue.ring()
    return True


def drop(job: Job) -> bool:
    """End a job that is being made and that somebody asked to cancel."""
    with transaction.atomic():
        return drop_if_asked(job, held(job))


def lease_end() -> Combinable:
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)
