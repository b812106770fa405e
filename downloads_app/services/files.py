"""Files from their reservation to the moment when their bytes are gone.

Whatever deletes marks the row first, in a transaction of its own, then asks the storage, then notes that the bytes are
gone. A crash or a storage error in between leaves `bytes_deleted_at` empty, and the sweep finds the row by that.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.functions import Now

from downloads_app.content import OpenedFile
from downloads_app.models import FileState, StoredFile, StoredFileQuerySet
from pdfservice.lib import storage
from pdfservice.lib.errors import ServiceError, gone
from pdfservice.lib.statements import Statement, insert, inserted, run, update
from pdfservice.teams.models import Team

logger = logging.getLogger(__name__)

# So many refusals in a row mean that the storage is away: each of the rest would only wait for its time limit as well.
GIVE_UP_AFTER = 3


def file_reserve(*, team: Team, key: str, filename: str, content_type: str = "application/pdf") -> StoredFile:
    """Add the row of a file before its bytes are stored at `key`, so that they are found if nobody confirms them."""
    file = StoredFile(team=team, key=key, filename=filename, content_type=content_type)
    inserted(file, run(insert(file))[0])
    return file


def file_confirming(
    *, file_id: int, stored: storage.StoredObject, expires_at: datetime | None, page_count: int | None = None
) -> Statement:
    """Return what makes a pending file live; `expires_at` None keeps it.

    It writes no row when the file is not pending any more, or not the one that was stored: its bytes may be deleted at
    any moment.
    """
    return update(
        StoredFile,
        {"id": file_id, "state": FileState.PENDING, "key": stored.key},
        {
            "state": FileState.LIVE,
            "sha256": stored.sha256,
            "size_bytes": stored.size_bytes,
            "page_count": page_count,
            "expires_at": expires_at,
        },
    )


def file_confirm(
    *, file_id: int, stored: storage.StoredObject, expires_at: datetime | None, page_count: int | None = None
) -> bool:
    """Make a pending file live, as `file_confirming` says; False when that writes no row."""
    confirming = file_confirming(file_id=file_id, stored=stored, expires_at=expires_at, page_count=page_count)
    return bool(run(confirming)[0].count)


def file_discard(*, file_id: int) -> None:
    """Delete a file that nobody shall get; not to be called in a transaction.

    What the storage refuses is left to the sweep. A file that is deleted already loses its bytes once more: a slow
    writer may have stored them after the sweep.
    """
    with transaction.atomic(durable=True):
        _mark_deleted([file_id])
    _delete_bytes([file_id])


def files_expire(*, limit: int = 500) -> int:
    """Delete the files whose time is over and return how many those were."""
    expired = _claim(StoredFile.objects.expired().order_by("expires_at"), limit)
    _delete_bytes(expired)
    return len(expired)


def files_sweep(*, pending_older_than: timedelta, limit: int = 500) -> int:
    """Delete files that were never confirmed, and bytes that are still owed; return how many objects are gone."""
    _claim(StoredFile.objects.abandoned(pending_older_than).order_by("created_at"), limit)
    owed = StoredFile.objects.bytes_owed().order_by("delete_tried_at").values_list("pk", flat=True)
    return _delete_bytes(list(owed[:limit]))


def files_forget(*, ids: Sequence[int]) -> int:
    """Delete the rows of files whose bytes are gone, with their links, in the caller's transaction.

    A file that another row points at stays. Returns how many files were forgotten.
    """
    forgettable = StoredFile.objects.forgettable().filter(pk__in=ids).values_list("pk", flat=True)
    forgotten = StoredFile.objects.filter(pk__in=list(forgettable))
    count = forgotten.count()
    forgotten.delete()
    return count


def file_open(*, file: StoredFile, offset: int = 0, length: int | None = None) -> OpenedFile:
    """Open a live file and read its first bytes, so that what fails does so before a caller promises anything.

    Raises ServiceError (410) for a file that is gone, StorageUnavailable or ObjectMissing for one that should be there.
    """
    if not StoredFile.objects.readable().filter(pk=file.pk).exists():
        raise file_gone()
    try:
        return OpenedFile.open(file, offset=offset, length=length)
    except storage.ObjectMissing:
        if not StoredFile.objects.readable().filter(pk=file.pk).exists():  # it expired in between
            raise file_gone() from None
        raise


def file_gone() -> ServiceError:
    """Return the refusal for a file that was deleted or has expired."""
    return gone("This file has expired and was deleted.", "file_gone")


def _claim(files: StoredFileQuerySet, limit: int) -> list[int]:
    """Mark up to `limit` of `files` as deleted and return which; several maintainers never wait for each other."""
    with transaction.atomic(durable=True):
        ids = list(files.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
        _mark_deleted(ids)
    return ids


def _mark_deleted(ids: list[int]) -> None:
    StoredFile.objects.filter(pk__in=ids).update(state=FileState.DELETED, delete_tried_at=Now(), bytes_deleted_at=None)


def _delete_bytes(ids: Iterable[int]) -> int:
    """Delete the bytes of the files `ids`, all marked as deleted, and return how many the storage let go of."""
    done = refused = 0
    owed = StoredFile.objects.bytes_owed().filter(pk__in=ids).order_by("delete_tried_at")
    for pk, key, preview_key in owed.values_list("pk", "key", "preview_key"):
        try:
            if preview_key:
                storage.delete(preview_key)
            storage.delete(key)
        except storage.StorageUnavailable as error:
            logger.warning("The bytes of file %s could not be deleted, the sweep will try again: %s", pk, error)
            StoredFile.objects.filter(pk=pk).update(delete_tried_at=Now())
            refused += 1
            if refused == GIVE_UP_AFTER:
                break
        else:
            done += StoredFile.objects.bytes_owed().filter(pk=pk).update(bytes_deleted_at=Now())
            refused = 0
    return done
