"""The first page of a job's output as a picture."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from downloads_app.services import file_open
from jobs_app.models import Job
from jobs_app.states import Status
from pdfservice.lib.errors import not_found
from templates_app.pictures import first_page

_LARGEST_BYTES = 32 << 20
_PDF = "application/pdf"


def first_page_response(request: HttpRequest, job: Job) -> HttpResponseBase:
    """Return the picture; raise ServiceError: 404 where there is none, 410 when it has expired, 422 for what
    cannot be drawn, 429 when many ask."""
    output = job.output
    if job.status != Status.DONE or output is None or output.content_type != _PDF:
        raise not_found("picture")
    etag = f'"{output.sha256}-1"'
    if request.headers.get("If-None-Match") == etag:
        return _kept(HttpResponse(status=304), etag)
    if (output.size_bytes or 0) > _LARGEST_BYTES:
        raise not_found("picture")
    png = first_page(b"".join(file_open(file=output)), tenant=str(job.team_id))
    return _kept(HttpResponse(png, content_type="image/png"), etag)


def _kept(response: HttpResponse, etag: str) -> HttpResponse:
    # A job sent back makes another document, which has another ETag.
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return response
