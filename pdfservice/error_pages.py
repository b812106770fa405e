"""What Django answers by itself: 400, 403, 404 and 500, as a problem document for programs and as a page for people."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse

from pdfservice.lib.errors import ServiceError
from pdfservice.lib.pages import page_of
from pdfservice.lib.problems import as_service_error, problem_response

_PEOPLE = ("/admin/", "/d/", "/dashboard/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django could not make sense of."""
    return _answer(request, ServiceError(400, "invalid_request", "The request cannot be understood."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what is not allowed."""
    return _answer(request, ServiceError(403, "forbidden", "This is not allowed."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form or a session call without a valid CSRF token."""
    return _answer(request, ServiceError(403, "forbidden", "The CSRF token is missing or wrong: reload the page."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address where nothing is."""
    return _answer(request, ServiceError(404, "not_found", "There is nothing at this address."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what went wrong: 503 while the database or the storage is away, 500 for what nobody foresaw."""
    known = as_service_error(sys.exc_info()[1])
    return _answer(
        request, known or ServiceError(500, "internal_error", "Something went wrong on our side. It has been logged.")
    )


def _answer(request: HttpRequest, error: ServiceError) -> HttpResponse:
    return page_of(request, error) if request.path.startswith(_PEOPLE) else problem_response(error)
