"""Bytes on their way out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from downloads_app.models import StoredFile
from pdfservice.lib import storage

logger = logging.getLogger(__name__)


class OpenedFile:
    """An iterator over the bytes of a file, or a window of them, that knows how many have left."""

    def __init__(self, chunks: storage.ObjectStream, expected_bytes: int) -> None:
        self.expected_bytes = expected_bytes
        # A chunk counts when the next one is asked for: only then has the server written it.
        self.sent_bytes = 0
        self._in_flight = 0
        self._is_closed = False
        self._chunks = chunks
        self._first = next(chunks, b"")  # now, while a caller can still refuse: an open object may be unreadable
        self._on_end: Callable[[OpenedFile], None] | None = None

    @classmethod
    def open(cls, file: StoredFile, *, offset: int = 0, length: int | None = None) -> OpenedFile:
        """Open a live `file` and read its first bytes; raise ObjectMissing or StorageUnavailable."""
        expected = (file.size_bytes or 0) - offset if length is None else length
        chunks = storage.open_stream(file.key, offset=offset, length=length)
        try:
            return cls(chunks, expected)
        except Exception as error:
            chunks.close()
            raise storage.StorageUnavailable(f"{file.key}: {error}") from error

    @property
    def is_complete(self) -> bool:
        """Whether every byte has left."""
        return self.sent_bytes == self.expected_bytes

    def when_ended(self, call: Callable[[OpenedFile], None]) -> None:
        """Have `call` called once, when the last byte has left or the transfer broke off."""
        self._on_end = call

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.sent_bytes += self._in_flight
        self._in_flight = 0
        if self._is_closed:
            raise StopIteration
        try:
            chunk = self._first or next(self._chunks, b"")
        except Exception:
            logger.exception("A file broke off after %s of %s bytes", self.sent_bytes, self.expected_bytes)
            self.close()
            raise
        self._first = b""
        if not chunk:
            self.close()
            raise StopIteration
        self._in_flight = len(chunk)
        return chunk

    def close(self) -> None:
        """Let go of the storage; safe to repeat."""
        self._is_closed = True
        self._chunks.close()
        call, self._on_end = self._on_end, None
        if call is not None:
            call(self)
