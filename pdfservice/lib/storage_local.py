"""A directory as file storage that keeps what it acknowledged."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import IO

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage


class DurableFileSystemStorage(FileSystemStorage):
    """Django's file storage, but a file appears whole or not at all, and is on the disk before `save` returns."""

    def _save(self, name: str, content: File[bytes]) -> str:
        target = self.path(name)
        folder, base = os.path.split(target)
        draft = os.path.join(folder, f".{base}.{secrets.token_hex(6)}")
        try:
            with _created(draft) as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, target)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(draft)
            raise
        _sync_directory(folder)
        return name

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return `name`: our keys are unique by themselves, and a second try writes the same bytes."""
        return name


def _created(path: str) -> IO[bytes]:
    try:
        return open(path, "xb")
    except FileNotFoundError:  # the first of a month
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return open(path, "xb")


def _sync_directory(path: str) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
