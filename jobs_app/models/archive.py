"""Compressed files of rows that left the database."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone


class ArchiveKind(models.TextChoices):
    """What an archive file holds."""

    JOBS = "jobs"
    AUDIT = "audit"


class ArchiveFileQuerySet(models.QuerySet["ArchiveFile"]):
    """Reads of archive files."""

    def readable(self, kind: ArchiveKind) -> ArchiveFileQuerySet:
        """Return the files of `kind` whose rows have left the database, oldest content first."""
        return self.filter(kind=kind, confirmed_at__isnull=False).order_by("first_at", "id")

    def between(self, start: datetime | None, end: datetime | None) -> ArchiveFileQuerySet:
        """Return the files that may hold something from `start` on and before `end`."""
        files = self if start is None else self.filter(last_at__gte=start)
        return files if end is None else files.filter(first_at__lt=end)

    def abandoned(self, before: datetime) -> ArchiveFileQuerySet:
        """Return the files whose writer has not come back since `before`."""
        return self.filter(confirmed_at=None, created_at__lt=before)


class ArchiveFile(models.Model):
    """A compressed file of rows that left the database.

    Its row is there before its bytes, and confirmed in the transaction that deletes the rows: a file that a crash left
    behind is not confirmed, nobody reads it, and the sweep takes it.
    """

    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=10, choices=ArchiveKind.choices)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.PositiveBigIntegerField()
    row_count = models.PositiveIntegerField()
    # Of the rows inside: when jobs finished, when events happened.
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True)

    objects = ArchiveFileQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["kind", "first_at"], condition=Q(confirmed_at__isnull=False), name="archive_file_by_time"
            ),
            models.Index(fields=["created_at"], condition=Q(confirmed_at=None), name="archive_file_pending"),
        ]

    def __str__(self) -> str:
        return self.key
