"""Stored objects that this process read lately: the least recently used go first, and none stays for long."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from pdfservice.lib import storage

TTL_SECONDS = 300.0
MAX_BYTES = 64 << 20


class ObjectCache:
    """Reads whole objects and keeps them for `ttl_s` seconds, up to `max_bytes` in all. Any thread may ask."""

    def __init__(self, *, max_bytes: int = MAX_BYTES, ttl_s: float = TTL_SECONDS) -> None:
        self._max_bytes = max_bytes
        self._ttl_s = ttl_s
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._size = 0

    def read(self, key: str) -> bytes:
        """Return all bytes at `key`; raises ObjectMissing or StorageUnavailable."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None and found[0] > time.monotonic():
                self._kept.move_to_end(key)
                return found[1]
        data = storage.read(key)
        self._keep(key, data)
        return data

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._size = 0

    def _keep(self, key: str, data: bytes) -> None:
        with self._lock:
            self._drop(key)
            self._kept[key] = (time.monotonic() + self._ttl_s, data)
            self._size += len(data)
            while self._size > self._max_bytes:
                self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        _, data = self._kept.pop(key, (0.0, b""))
        self._size -= len(data)


objects = ObjectCache()
