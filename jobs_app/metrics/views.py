"""`GET /metrics`"""

from __future__ import annotations

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from jobs_app.metrics.exposition import exposition
from pdfservice.lib.errors import unavailable
from pdfservice.lib.problems import problem_response


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with aggregates for Prometheus. Whoever asks may see them: no names of teams or templates, no ids."""
    try:
        return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)
    except Error:
        return problem_response(unavailable("The database is away."))
