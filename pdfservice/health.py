"""Whether the service lives, and whether it can work."""

from __future__ import annotations

from collections.abc import Callable

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from jobs_app import queue
from pdfservice.lib import storage


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 as long as the process answers at all."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when database and storage do. The broker is told but not needed: jobs are accepted without it."""
    parts = {
        "database": _works(_ask_database),
        "storage": _works(storage.ping),
        "broker": queue.outstanding() is not None,
    }
    ready = parts["database"] and parts["storage"]
    said = {name: "ok" if works else "away" for name, works in parts.items()}
    response = JsonResponse({"status": "ready" if ready else "not ready", **said}, status=200 if ready else 503)
    if not ready:
        response["Retry-After"] = "5"
    return response


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _works(ask: Callable[[], None]) -> bool:
    try:
        ask()
    except (DatabaseError, storage.StorageUnavailable):
        return False
    return True
