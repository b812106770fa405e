"""Archive files: JSON Lines, compressed, written whole and looked at again before anything is deleted for them."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from jobs_app.models import ArchiveFile, ArchiveKind
from pdfservice.lib import storage
from pdfservice.teams import audit

logger = logging.getLogger(__name__)

ROWS_A_FILE = 1000
# Fewer rows than make a file wait for company, but no longer than this: many small files are slow to read.
FILE_AT_LEAST_EVERY = timedelta(days=1)
# A writer that takes longer may not delete anything any more, and after twice that its file is swept.
_WRITER_SECONDS = 600


class ArchiveDamaged(Exception):
    """A file is not there, or does not hold what was written."""


class RowsChanged(Exception):
    """Somebody touched the rows since they were written down: they stay, and the file is of no use."""


def is_due(kind: ArchiveKind, count: int) -> bool:
    """Say whether `count` waiting rows should be written now: nobody else is at it, and they are many or wait long."""
    if not count:
        return False
    now = timezone.now()
    files = ArchiveFile.objects.filter(kind=kind)
    if files.filter(confirmed_at=None, created_at__gt=now - timedelta(seconds=_WRITER_SECONDS)).exists():
        return False
    return count >= ROWS_A_FILE or not files.filter(created_at__gt=now - FILE_AT_LEAST_EVERY).exists()


def move(
    kind: ArchiveKind, rows: Sequence[Mapping[str, Any]], times: Sequence[datetime], delete: Callable[[], None]
) -> ArchiveFile | None:
    """Write `rows` into a file, look whether storage has it, then `delete` them and confirm it in one transaction.

    `delete` raises RowsChanged when they are not what was written; then nothing is deleted and None returned. Raises
    StorageUnavailable. `times` are those that the rows are found by.
    """
    data = gzip.compress("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows).encode(), mtime=0)
    first, last = min(times), max(times)
    file = ArchiveFile.objects.create(
        key=f"archive/{kind}/{first:%Y}/{first:%m}/{timezone.now():%Y%m%dT%H%M%S}-{secrets.token_hex(4)}.jsonl.gz",
        kind=kind,
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        row_count=len(rows),
        first_at=first,
        last_at=last,
    )
    storage.put(file.key, data, content_type="application/gzip")
    if storage.read(file.key) != data:
        raise storage.StorageUnavailable(f"{file.key}: the storage gave back something else than it was given")
    try:
        with transaction.atomic():
            delete()
            _confirm(file)
    except RowsChanged as error:
        logger.info("Archive: %s; the next pass takes them as they are then.", error)
        _discard(file)
        return None
    return file


def _confirm(file: ArchiveFile) -> None:
    """Let readers see a file, in the transaction that deletes its rows."""
    in_time = ArchiveFile.objects.filter(
        pk=file.pk, confirmed_at=None, created_at__gt=Now() - timedelta(seconds=_WRITER_SECONDS)
    )
    if not in_time.update(confirmed_at=Now()):
        raise RowsChanged("writing took too long")
    data = {"key": file.key, "sha256": file.sha256, "rows": file.row_count}
    audit.record(
        team_id=None,
        actor="maintain",
        action=f"{file.kind}.archived",
        subject_type="archive",
        subject_id=None,
        data=data,
    )


def read(file: ArchiveFile) -> Iterator[dict[str, Any]]:
    """Return the rows of a file; raise ArchiveDamaged when it is gone or was changed, and StorageUnavailable."""
    try:
        data = storage.read(file.key)
    except storage.ObjectMissing as error:
        raise ArchiveDamaged(f"{file.key} is not in storage any more") from error
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise ArchiveDamaged(f"{file.key} is not what was written: its SHA-256 differs")
    for line in gzip.decompress(data).splitlines():
        row: dict[str, Any] = json.loads(line)
        yield row


def sweep_abandoned(*, limit: int = 20) -> int:
    """Delete what writers left behind that never came to an end, and return how many files that was."""
    long_ago = timezone.now() - timedelta(seconds=2 * _WRITER_SECONDS)
    abandoned = list(ArchiveFile.objects.abandoned(long_ago)[:limit])
    for file in abandoned:
        _discard(file)
    return len(abandoned)


def _discard(file: ArchiveFile) -> None:
    # The bytes first: without the row nobody would find them.
    storage.delete(file.key)
    ArchiveFile.objects.filter(pk=file.pk, confirmed_at=None).delete()
