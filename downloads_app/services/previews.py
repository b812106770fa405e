"""The picture of a file's first page: stored once, shown by links whose maker allows it, gone with the file."""

from __future__ import annotations

from django.db.models.functions import Now

from downloads_app.models import StoredFile
from downloads_app.services.files import file_gone
from pdfservice.lib import storage


def preview_store(*, file: StoredFile, png: bytes) -> None:
    """Keep the picture of a live file; not to be called in a transaction.

    Raises ServiceError (410) when the file is gone meanwhile, and then keeps nothing; StorageUnavailable.
    """
    key = storage.preview_key(file.external_id)
    # Noted first, so that whatever deletes the file finds a picture that nobody confirmed.
    if not StoredFile.objects.readable().filter(pk=file.pk).update(preview_key=key):
        raise file_gone()
    storage.put(key, png, content_type="image/png")
    if not StoredFile.objects.readable().filter(pk=file.pk).update(preview_at=Now()):
        storage.delete(key)
        raise file_gone()


def preview_read(*, file: StoredFile) -> bytes | None:
    """Return the picture of a file, or None when there is none; raise StorageUnavailable."""
    if file.preview_at is None:
        return None
    try:
        return storage.read(file.preview_key)
    except storage.ObjectMissing:
        return None
