"""What may be done with jobs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.utils import timezone

from downloads_app import services as files
from downloads_app.models import DownloadLink, StoredFile
from jobs_app import backpressure, transitions
from jobs_app.models import Job
from jobs_app.passwords import ENCRYPTION
from jobs_app.states import Status
from pdfservice.lib.errors import Fault, ServiceError, conflict, gone, not_found
from pdfservice.teams.callers import Caller
from templates_app import pictures

# More than this are sent back in several calls.
REVIVED_AT_ONCE = 1000


def job_get(*, caller: Caller, job_id: UUID) -> Job:
    """Return a job that the caller may see, with what its representation shows; raise ServiceError (404)."""
    jobs = Job.objects.visible_to(caller).select_related("template_version__template", "output")
    job = jobs.filter(external_id=job_id).first()
    if job is None:
        raise not_found("job")
    return job


def job_output(*, caller: Caller, job_id: UUID) -> StoredFile:
    """Return what the job made; raise ServiceError: 404 unseen, 409 while it is not done, 410 once it has expired."""
    job = job_get(caller=caller, job_id=job_id)
    expired = job.output is not None and job.output.expires_at is not None and job.output.expires_at <= timezone.now()
    if job.status == Status.EXPIRED or expired:
        raise gone("The document has expired and was deleted.", "expired")
    if job.status != Status.DONE or job.output is None:
        raise conflict(f"The job is {job.status}; there is a file only once it is done.", "not_done")
    return job.output


def job_link(*, caller: Caller, job_id: UUID, **wishes: Any) -> tuple[DownloadLink, str]:
    """Make a link to what the job made; return it with its token. `wishes` are arguments of `link_create`.

    With `preview`, the picture of the first page is drawn before, once for each document. Raises what `job_output`
    raises, and ServiceError: 422 when there can be no picture, 429 when too many are being drawn.
    """
    output = job_output(caller=caller, job_id=job_id)
    if wishes.get("preview") and output.preview_at is None:
        _draw_preview(output)
    return files.link_create(file=output, caller=caller, **wishes)


def _draw_preview(output: StoredFile) -> None:
    if output.content_type != "application/pdf" or (output.size_bytes or 0) > pictures.MAX_PDF_BYTES:
        message = f"Only PDFs of up to {pictures.MAX_PDF_BYTES >> 20} MiB have a picture of their first page."
        raise ServiceError(422, "preview_impossible", message, [Fault("/preview", message)])
    with closing(files.file_open(file=output)) as content:
        pdf = b"".join(content)
    files.preview_store(file=output, png=pictures.first_page(pdf, tenant=str(output.team_id)))


def job_cancel(*, caller: Caller, job_id: UUID) -> Job:
    """Cancel a job: one that waits at once, one that is being made within seconds; raise ServiceError (404, 409)."""
    job = job_get(caller=caller, job_id=job_id)
    for _ in range(3):  # it may be claimed, or given back, between the look and the act
        if transitions.cancel(job, actor=caller.actor) or transitions.request_cancel(job, actor=caller.actor):
            break
        job.refresh_from_db()
        if job.cancel_requested_at is not None and job.status == Status.PROCESSING:
            break
        if job.is_final:
            raise conflict(f"The job is {job.status} and cannot be cancelled any more.", "not_cancellable")
    return job_get(caller=caller, job_id=job_id)


def job_revive(*, caller: Caller, job_id: UUID) -> Job:
    """Send a failed or cancelled job back into the queue; raise ServiceError (404, 409, 429)."""
    job = job_get(caller=caller, job_id=job_id)
    if job.payload is None:
        raise conflict("The job's payload was erased; submit the document again.", "payload_erased")
    if job.is_final and ENCRYPTION in job.options:
        raise conflict("The job's passwords were erased when it ended; submit the document again.", "password_erased")
    if job.status in (Status.FAILED, Status.CANCELLED):  # of others the transition says why not
        backpressure.admit(team=caller.team, count=1)
    try:
        if not transitions.revive(job, actor=caller.actor):
            raise conflict(
                f"The job is {job.status}; only failed and cancelled ones can be sent back.", "not_retryable"
            )
    except IntegrityError as error:
        raise conflict("An identical job is under way.", "identical_under_way") from error
    return job_get(caller=caller, job_id=job_id)


def jobs_revive(
    *,
    caller: Caller,
    ids: Sequence[UUID] | None = None,
    error_code: str | None = None,
    template: str | None = None,
    failed_after: datetime | None = None,
) -> int:
    """Send failed jobs back, those named or all that fit, at most a thousand, and return how many went.

    A full queue ends it; raises ServiceError (429) when it was full before the first.
    """
    jobs = Job.objects.visible_to(caller).narrowed(
        status=Status.FAILED, ids=ids, error_code=error_code, template=template, finished_after=failed_after
    )
    revived = 0
    for job in jobs.filter(pk__in=Job.objects.repeatable().values("pk")).order_by("id")[:REVIVED_AT_ONCE]:
        if refused := backpressure.refusal(team=caller.team, count=1):
            if not revived:
                raise refused
            break
        try:
            revived += transitions.revive(job, actor=caller.actor)
        except IntegrityError:
            continue  # an identical job is under way and will do
    return revived
