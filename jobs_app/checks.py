"""Settings of the queue that make no sense together, and what it cannot do without."""

from __future__ import annotations

import sqlite3
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.db import connection

# The first that answers with the rows that it changed.
_OLDEST_SQLITE = (3, 35)


@register()
def queue_limits_fit(**_: Any) -> list[CheckMessage]:
    """Warn when the service's limit makes the teams' limit meaningless."""
    if settings.MAX_QUEUED <= settings.MAX_QUEUED_TOTAL:
        return []
    return [
        CheckWarning(
            f"MAX_QUEUED is {settings.MAX_QUEUED}, more than MAX_QUEUED_TOTAL, {settings.MAX_QUEUED_TOTAL}: "
            "one team can fill the queue for everybody.",
            hint="Set MAX_QUEUED_TOTAL to several times MAX_QUEUED.",
            id="jobs_app.W001",
        )
    ]


@register()
def sqlite_is_new_enough(**_: Any) -> list[CheckMessage]:
    """Refuse an SQLite that does not know RETURNING, by which jobs are claimed."""
    if connection.vendor != "sqlite" or sqlite3.sqlite_version_info >= _OLDEST_SQLITE:
        return []
    return [
        Error(
            f"SQLite is {sqlite3.sqlite_version}, older than 3.35: jobs could not be claimed.",
            hint="Use a Python that was built with a newer SQLite, or set DATABASE_URL to a PostgreSQL.",
            id="jobs_app.E001",
        )
    ]
