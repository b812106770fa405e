"""Refusals as pages for people."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from pdfservice.lib.errors import ServiceError


def page_of(request: HttpRequest, error: ServiceError) -> HttpResponse:
    """Return an error as a page."""
    context = {"title": HTTPStatus(error.status).phrase, "detail": error.detail}
    response = render(request, "error.html", context, status=error.status)
    if error.retry_after_s is not None:
        response["Retry-After"] = str(error.retry_after_s)
    return response
