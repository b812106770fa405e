"""`Prefer: wait=N` (RFC 7240): a caller who would rather wait for the end of a job than look again.

A view only says that its answer may wait. The ASGI side (jobs_app/held_answers.py) offers a `Hold` with each request
and does the waiting, in no thread. Under a plain WSGI server nobody offers one, and every answer comes at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from jobs_app.models import Job

LONGEST_SECONDS = 25
# Where a request carries its Hold: in the ASGI scope, which the bridge puts into META.
SCOPE, HOLD = "asgi.scope", "pdfservice.hold"
_LONGEST_HEADER = 1000
# Commas and semicolons inside a quoted string part nothing.
_PREFERENCES = re.compile(r'(?:[^,"]|"(?:\\.|[^"\\])*")+')
_WAIT = re.compile(r'\s*wait\s*=\s*("?)([0-9]+)\1\s*(?:;.*)?', re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wish:
    """An answer about `job_id` that may wait for the job's end, at most so long."""

    job_id: UUID
    team_id: int
    seconds: int
    deduplicated: bool


@dataclass(slots=True)
class Hold:
    """An offer to hold one request's answer; a view that takes it sets `wish`."""

    wish: Wish | None = None


def wait_seconds(header: str | None) -> int | None:
    """Return the N of `wait=N`, at most 25; None when it is not asked for, malformed or 0.

    Of several the first counts (RFC 7240, section 2).
    """
    if not header or len(header) > _LONGEST_HEADER:
        return None
    for preference in _PREFERENCES.findall(header):
        name = preference.partition("=")[0].partition(";")[0]
        if name.strip().lower() == "wait":
            match = _WAIT.fullmatch(preference)
            digits = match[2].lstrip("0") if match else ""
            return min(int(digits[:3]), LONGEST_SECONDS) if digits else None
    return None


def honour(request: Request, response: Response, job: Job, *, deduplicated: bool = False) -> Response:
    """Return `response`, a representation of `job`, after asking that it be held if the caller would rather wait."""
    seconds = wait_seconds(request.headers.get("Prefer"))
    if seconds is None or request.method == "HEAD":
        return response
    if job.is_final:
        response["Preference-Applied"] = f"wait={seconds}"
        return response
    hold = request.META.get(SCOPE, {}).get(HOLD)
    if isinstance(hold, Hold):
        hold.wish = Wish(job.external_id, job.team_id, seconds, deduplicated)
    return response
