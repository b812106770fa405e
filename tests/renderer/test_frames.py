"""Frames arrive whole or not at all, within their bounds and their deadline."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from templates_app.renderer.frames import Channel, FrameBounds, FrameClosed, FrameError, FrameTimeout

BOUNDS = FrameBounds(header=1000, blobs=3, total=1 << 20)


@pytest.fixture
def pipe() -> Iterator[Channel]:
    """A channel whose two ends are one pipe, and do not block."""
    read_fd, write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    channel = Channel(read_fd, write_fd)
    yield channel
    channel.close()


def soon() -> float:
    return time.monotonic() + 5


def test_a_frame_arrives_as_it_was_sent(pipe: Channel) -> None:
    blobs = [b"", b"one", bytes(range(256)) * 2000]
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(pipe.send, {"a": ["ü", 1, None]}, blobs, deadline=soon())
        assert pipe.receive(BOUNDS, deadline=soon()) == ({"a": ["ü", 1, None]}, blobs)
        sending.result()


def test_two_frames_do_not_run_together(pipe: Channel) -> None:
    for number in (1, 2):
        pipe.send({"n": number}, [b"x" * number], deadline=soon())
    assert pipe.receive(BOUNDS, deadline=soon()) == ({"n": 1}, [b"x"])
    assert pipe.receive(BOUNDS, deadline=soon()) == ({"n": 2}, [b"xx"])


def test_a_reader_waits_no_longer_than_its_deadline(pipe: Channel) -> None:
    begun = time.monotonic()
    with pytest.raises(FrameTimeout):
        pipe.receive(BOUNDS, deadline=begun + 0.05)
    assert 0.05 <= time.monotonic() - begun < 10


def test_a_writer_waits_no_longer_than_its_deadline(pipe: Channel) -> None:
    begun = time.monotonic()
    with pytest.raises(FrameTimeout):
        pipe.send({}, [b"x" * (1 << 20)], deadline=begun + 0.05)
    assert 0.05 <= time.monotonic() - begun < 10


def test_a_writer_without_a_reader_is_told(pipe: Channel) -> None:
    read_fd, write_fd = os.pipe()
    os.close(read_fd)
    with pytest.raises(FrameClosed):
        Channel(pipe.read_fd, write_fd).send({})
    os.close(write_fd)


@settings(deadline=None, max_examples=200)
@given(data=st.binary(max_size=300), sizes=st.tuples(st.integers(0, 40), st.integers(0, 4)))
def test_any_bytes_are_a_frame_or_a_frame_error(data: bytes, sizes: tuple[int, int]) -> None:
    read_fd, write_fd = os.pipe()
    os.write(write_fd, sizes[0].to_bytes(4) + sizes[1].to_bytes(4) + data)
    os.close(write_fd)
    try:
        header, blobs = Channel(read_fd, -1).receive(BOUNDS)
    except FrameError:
        return
    finally:
        os.close(read_fd)
    assert isinstance(header, dict)
    assert len(blobs) == sizes[1]
