"""Length-prefixed messages over a pair of pipes: one JSON object and some raw byte strings, every length bounded.

A frame is `header length (4 bytes), number of blobs (4 bytes), blob lengths (8 bytes each), header, blobs`, big-endian.
The parent reads frames from a process it does not trust: nothing is allocated before its length was checked, and every
read and write there has a deadline.
"""

from __future__ import annotations

import json
import os
import select
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_PREFIX = struct.Struct("!II")
_PARTS_PER_WRITE = 64
# As much as a pipe holds.
_BYTES_PER_READ = 1 << 20


class FrameError(Exception):
    """A frame could not be sent or received."""


class FrameTimeout(FrameError):
    """The deadline passed first."""


class FrameClosed(FrameError):
    """The other side closed its end, or died."""


class FrameInvalid(FrameError):
    """What arrived is not a frame, or is larger than agreed."""


@dataclass(frozen=True, slots=True)
class FrameBounds:
    """The largest frame to accept, in bytes."""

    header: int
    blobs: int
    total: int


@dataclass(frozen=True, slots=True)
class Channel:
    """Two pipe ends. With a deadline (of `time.monotonic`) the ends must not block; without one they must."""

    read_fd: int
    write_fd: int

    def send(self, header: dict[str, Any], blobs: Sequence[bytes] = (), *, deadline: float | None = None) -> None:
        """Send one frame; raise FrameClosed or FrameTimeout."""
        head = json.dumps(header, separators=(",", ":")).encode()
        lengths = struct.pack(f"!{len(blobs)}Q", *map(len, blobs))
        _write_all(self.write_fd, [_PREFIX.pack(len(head), len(blobs)) + lengths + head, *blobs], deadline)

    def receive(self, bounds: FrameBounds, *, deadline: float | None = None) -> tuple[dict[str, Any], list[bytes]]:
        """Return the next frame; raise FrameClosed, FrameTimeout or FrameInvalid."""
        head_length, blob_count = _PREFIX.unpack(_read_exact(self.read_fd, _PREFIX.size, deadline))
        if head_length > bounds.header or blob_count > bounds.blobs:
            raise FrameInvalid(f"a header of {head_length} bytes and {blob_count} blobs")
        lengths = struct.unpack(f"!{blob_count}Q", _read_exact(self.read_fd, 8 * blob_count, deadline))
        if sum(lengths) > bounds.total:
            raise FrameInvalid(f"{sum(lengths)} bytes of data")
        header = _parse(_read_exact(self.read_fd, head_length, deadline))
        return header, [_read_exact(self.read_fd, length, deadline) for length in lengths]

    def close(self) -> None:
        """Close both ends."""
        os.close(self.read_fd)
        os.close(self.write_fd)


def _parse(head: bytes) -> dict[str, Any]:
    try:
        header = json.loads(head)
    except (ValueError, RecursionError) as error:
        raise FrameInvalid("the header is not JSON") from error
    if not isinstance(header, dict):
        raise FrameInvalid("the header is not an object")
    return header


def _wait(fd: int, event: int, deadline: float | None) -> None:
    if deadline is None:
        return
    poll = select.poll()
    poll.register(fd, event)
    left = deadline - time.monotonic()
    # A millisecond is poll's grain: round up, or the last one is spent spinning.
    if left <= 0 or not poll.poll(left * 1000 + 1):
        raise FrameTimeout


def _read_exact(fd: int, size: int, deadline: float | None) -> bytes:
    # In pieces as they come: what was only announced takes no memory.
    pieces: list[bytes] = []
    while size:
        _wait(fd, select.POLLIN, deadline)
        try:
            piece = os.read(fd, min(size, _BYTES_PER_READ))
        except BlockingIOError:
            continue
        if not piece:
            raise FrameClosed
        pieces.append(piece)
        size -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _write_all(fd: int, parts: list[bytes], deadline: float | None) -> None:
    views = [memoryview(part) for part in parts if part]
    while views:
        _wait(fd, select.POLLOUT, deadline)
        try:
            count = os.writev(fd, views[:_PARTS_PER_WRITE])
        except BlockingIOError:
            continue
        except BrokenPipeError as error:
            raise FrameClosed from error
        while count:
            step = min(count, len(views[0]))
            count -= step
            views[0] = views[0][step:]
            if not views[0]:
                views.pop(0)
