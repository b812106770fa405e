"""Reading archives back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs_app.archive.files import ArchiveDamaged, read
from jobs_app.models import ArchiveFile, ArchiveKind

__all__ = ["ArchiveDamaged", "read_events", "read_jobs"]


def read_jobs(
    *,
    team: str | None = None,
    job_id: UUID | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Iterator[dict[str, Any]]:
    """Return archived jobs, each once, by when they finished: from `start` on, before `end`.

    Raises ArchiveDamaged and StorageUnavailable.
    """
    for row in _rows(ArchiveKind.JOBS, "finished_at", start, end):
        if (job_id is None or row["id"] == str(job_id)) and team in {None, row["team"]}:
            yield row


def read_events(
    *, team: str | None = None, start: datetime | None = None, end: datetime | None = None
) -> Iterator[dict[str, Any]]:
    """Return archived audit events, each once, by when they happened; raises as `read_jobs` does."""
    for row in _rows(ArchiveKind.AUDIT, "at", start, end):
        if team in {None, row["team"]}:
            yield row


def _rows(kind: ArchiveKind, time: str, start: datetime | None, end: datetime | None) -> Iterator[dict[str, Any]]:
    seen: set[Any] = set()
    for file in ArchiveFile.objects.readable(kind).between(start, end):
        for row in read(file):
            at = datetime.fromisoformat(row[time])
            if (start and at < start) or (end and at >= end) or row["id"] in seen:
                continue
            # A database that was restored from a backup has jobs that are archived already, and archives them again.
            seen.add(row["id"])
            yield row
