"""How a batch's jobs say that they can come to nothing."""

from __future__ import annotations

from jobs_app.outcomes import Failure, WorkRefused


def refused(code: str, message: str) -> WorkRefused:
    """Return the end of a job that would fail again."""
    return WorkRefused(Failure(code, message, permanent=True))
