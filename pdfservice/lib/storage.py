"""The one door to stored bytes: a directory or a bucket, whichever the settings name, behind the same few functions."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage, storages

CHUNK_BYTES = 64 << 10


class ObjectMissing(Exception):
    """The storage answers, and holds nothing at that key."""


class StorageUnavailable(Exception):
    """The storage does not answer, or refuses; what was asked may succeed later."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What was stored: its key, the SHA-256 of its bytes in hex, and their number."""

    key: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class FoundObject:
    """What lies in storage: its key, and when its bytes were last stored."""

    key: str
    changed_at: datetime


class ObjectStream(Iterator[bytes]):
    """The bytes of an open object in chunks. `close` lets go of it at any time, also before the first chunk."""

    def __init__(self, file: Any, length: int | None) -> None:
        self._file = file
        self._left = length

    def __next__(self) -> bytes:
        """Return the next chunk."""
        chunk: bytes = self._file.read(CHUNK_BYTES if self._left is None else min(CHUNK_BYTES, self._left))
        if not chunk:
            self.close()
            raise StopIteration
        if self._left is not None:
            self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        """Let go of the object."""
        self._file.close()


def output_key(at: datetime, job_id: UUID, claim_number: int, *, extension: str = "pdf") -> str:
    """Return where a job's output goes.

    The first claim has the plain name; a later one carries its claim number, so that a worker that was given up for
    dead and comes back cannot overwrite what its successor stored.
    """
    suffix = "" if claim_number == 1 else f"-{claim_number}"
    return f"pdf-output/{at:%Y}/{at:%m}/{job_id}{suffix}.{extension}"


def batch_key(at: datetime, batch_id: UUID) -> str:
    """Return where the items of a batch lie until they are expanded."""
    return f"batches/{at:%Y}/{at:%m}/{batch_id}"


def asset_key(team_slug: str, sha256: str) -> str:
    """Return where a team's asset goes: once for each content."""
    return f"assets/{team_slug}/{sha256}"


def source_key(team_slug: str, sha256: str) -> str:
    """Return where a team's long template source goes: once for each content."""
    return f"sources/{team_slug}/{sha256}"


def logo_key(team_slug: str, sha256: str) -> str:
    """Return where a team's logo goes."""
    return f"logos/{team_slug}/{sha256}"


def preview_key(file_id: UUID) -> str:
    """Return where the picture of a file's first page goes."""
    return f"previews/{file_id}.png"


def put(key: str, data: bytes, *, content_type: str) -> StoredObject:
    """Store `data` at `key`, replacing what is there; return only after the storage acknowledged it."""
    content = ContentFile(data)
    content.content_type = content_type  # type: ignore[attr-defined]  # django-storages reads it for the object's header
    with _translated(key):
        default_storage.save(key, content)
    return StoredObject(key, hashlib.sha256(data).hexdigest(), len(data))


def put_file(key: str, file: IO[bytes], *, content_type: str) -> StoredObject:
    """Store an open file of this machine at `key`, as `put` does; it is read in chunks and stays open."""
    file.seek(0)
    sha256 = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # any real file will do
    size_bytes = file.tell()
    # boto closes what it has uploaded, and a refusal must leave something to try again with.
    with os.fdopen(os.dup(file.fileno()), "rb") as copy:
        copy.seek(0)
        content = File(copy, name=key)
        content.content_type = content_type  # type: ignore[attr-defined]
        with _translated(key):
            default_storage.save(key, content)
    return StoredObject(key, sha256, size_bytes)


def read(key: str) -> bytes:
    """Return all bytes at `key`."""
    return b"".join(open_stream(key))


def open_stream(key: str, *, offset: int = 0, length: int | None = None) -> ObjectStream:
    """Open `key` now and return its bytes from `offset` on (`length` of them) in chunks, never all at once.

    Raises ObjectMissing or StorageUnavailable at the call, before the first chunk, so that a caller can still refuse.
    """
    with _translated(key):
        file = _open_remote(key, offset, length) if hasattr(default_storage, "bucket") else _open_local(key, offset)
    return ObjectStream(file, length)


def signs_addresses() -> bool:
    """Say whether the storage can hand out addresses that open one object for a while."""
    return hasattr(default_storage, "bucket")


def signed_address(key: str, *, seconds: int, content_type: str, content_disposition: str) -> str:
    """Return an address from which anybody gets `key` for so long, with these headers. Asks nobody."""
    wanted = {
        "Bucket": settings.S3_BUCKET,
        "Key": key,
        "ResponseContentType": content_type,
        "ResponseContentDisposition": content_disposition,
    }
    with _translated(key):
        client = storages["public"].connection.meta.client  # type: ignore[attr-defined]
        return str(client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds))


def local_path(key: str) -> str:
    """Return where `key` lies on this machine's disk."""
    return default_storage.path(key)


def delete(key: str) -> None:
    """Delete `key`; nothing there is as good as deleted."""
    with _translated(key):
        default_storage.delete(key)


def objects_under(prefix: str) -> Iterator[FoundObject]:
    """Yield every object whose key begins with `prefix`, which ends in a slash; raises StorageUnavailable."""
    with _translated(prefix):
        yield from _remote_under(prefix) if hasattr(default_storage, "bucket") else _local_under(prefix)


def ping() -> None:
    """Raise StorageUnavailable unless the storage answers."""
    with _translated("ping"):
        default_storage.exists("ping")


def _open_local(key: str, offset: int) -> Any:
    file = default_storage.open(key, "rb")
    file.seek(offset)
    return file


def _remote_under(prefix: str) -> Iterator[FoundObject]:
    for found in default_storage.bucket.objects.filter(Prefix=prefix):  # type: ignore[attr-defined]
        yield FoundObject(found.key, found.last_modified)


def _local_under(prefix: str) -> Iterator[FoundObject]:
    root = default_storage.path("")
    for folder, _, names in os.walk(default_storage.path(prefix)):
        for name in names:
            path = os.path.join(folder, name)
            try:
                changed_at = datetime.fromtimestamp(os.stat(path).st_mtime, UTC)
            except FileNotFoundError:  # deleted while we look, or a draft that has got its name
                continue
            yield FoundObject(os.path.relpath(path, root), changed_at)


def _open_remote(key: str, offset: int, length: int | None) -> Any:
    # django-storages' own S3 file would first copy the whole object to this machine.
    last = "" if length is None else str(offset + length - 1)
    window = {"Range": f"bytes={offset}-{last}"} if offset or length is not None else {}
    return default_storage.bucket.Object(key).get(**window)["Body"]  # type: ignore[attr-defined]


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectMissing(key) from error
    except OSError as error:
        raise StorageUnavailable(f"{key}: {error}") from error
    except Exception as error:
        # boto's errors, recognised by module so that a service without a bucket need not load boto.
        if not type(error).__module__.startswith(("botocore", "boto3", "s3transfer")):
            raise
        # A connection that broke has a response too, and it is None.
        response = getattr(error, "response", None) or {}
        code = str(response.get("Error", {}).get("Code", ""))
        if code in {"404", "NoSuchKey", "NotFound"}:
            raise ObjectMissing(key) from error
        raise StorageUnavailable(f"{key}: {error}") from error
