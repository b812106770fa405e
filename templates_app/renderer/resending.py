"""Files that a child has had are not sent again: the parent's account of them, and the child's store.

The parent knows a file by being the very same object as one sent before, which costs no hashing: whoever reads files
keeps what was read (pdfservice/lib/object_cache.py). It alone decides what is kept and dropped, so that both sides
always agree; a child that died took its account along.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

# Where the header of a frame has the notes about them.
FILES = "files"
# What is smaller is sent faster than it is accounted for.
LEAST_BYTES = 16 << 10
# Counts towards what a child may grow by before it is replaced (RenderLimits.child_max_growth_mb).
MOST_BYTES = 32 << 20


class Sent:
    """What one child holds, in the parent."""

    def __init__(self, *, least_bytes: int = LEAST_BYTES, most_bytes: int = MOST_BYTES) -> None:
        self._least_bytes = least_bytes
        self._most_bytes = most_bytes
        self._size = 0
        self._next = 0
        # By identity; the object itself is held, so that its identity stays its own. The least recently used first.
        self._held: OrderedDict[int, tuple[int, bytes]] = OrderedDict()

    def pack(self, blobs: Sequence[bytes]) -> tuple[dict[str, Any], list[bytes]]:
        """Return notes for the header of a frame, and those of `blobs` that have to go with it."""
        notes: dict[str, Any] = {"again": [], "keep": [], "drop": []}
        used, sent = set(), []
        for position, blob in enumerate(blobs):
            known = self._held.get(id(blob))
            if known is not None:
                self._held.move_to_end(id(blob))
                used.add(id(blob))
                notes["again"].append([position, known[0]])
                continue
            sent.append(blob)
            if len(blob) >= self._least_bytes and self._make_room(len(blob), used, notes["drop"]):
                self._held[id(blob)] = (self._next, blob)
                self._size += len(blob)
                used.add(id(blob))
                notes["keep"].append([position, self._next])
                self._next += 1
        return notes, sent

    def _make_room(self, size: int, used: set[int], dropped: list[int]) -> bool:
        """Drop what this frame does not use until `size` bytes fit; False where that is not enough."""
        while self._size + size > self._most_bytes:
            oldest = next((key for key in self._held if key not in used), None)
            if oldest is None:
                return False
            number, blob = self._held.pop(oldest)
            self._size -= len(blob)
            dropped.append(number)
        return True


class Kept:
    """The same files, in the child."""

    def __init__(self) -> None:
        self._files: dict[int, bytes] = {}

    def unpack(self, notes: dict[str, Any], blobs: Sequence[bytes]) -> list[bytes]:
        """Return all blobs of a frame in their places."""
        for number in notes["drop"]:
            del self._files[number]
        again, keep, sent = dict(notes["again"]), dict(notes["keep"]), iter(blobs)
        found = []
        for position in range(len(again) + len(blobs)):
            blob = self._files[again[position]] if position in again else next(sent)
            if position in keep:
                self._files[keep[position]] = blob
            found.append(blob)
        return found
