"""A hijacked child at every state of the conversation: what it may send is nonsense, and the parent comes out of it."""

from __future__ import annotations

import os
import resource
import struct
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from templates_app.renderer import zygote_handle
from templates_app.renderer.contracts import ErrorCode, RenderError, RendererUnavailable, RenderLimits
from templates_app.renderer.frames import Channel, FrameBounds, FrameError, FrameTimeout
from templates_app.renderer.nursery import Nursery
from templates_app.renderer.wire import reply_bounds, unpack_reply, unpack_result
from tests.renderer.probes import PREFIX
from tests.renderer.support import ProbeSandbox, eventually, failed_probe, probe, spec
from tests.renderer.test_hostile_child import GOOD_HEAD, frame

OUTPUT_MB = 1
BOUNDS = reply_bounds(OUTPUT_MB)
# Twice the largest reply: it arrives in one buffer and becomes bytes.
MOST_MEMORY = 2 * (BOUNDS.total + BOUNDS.header) + (4 << 20)


class FuzzSandbox(ProbeSandbox):
    """Children that answer their first greeting, or a document, as `RENDERER_FUZZ` in their directory says."""

    program = "tests.renderer.probes_that_lie"


# --- Bytes ------------------------------------------------------------------------------------------------------------
lengths = st.one_of(st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 2, 511 << 10, 512 << 10, 2**31, 2**32 - 1]))
blob_lengths = st.one_of(st.integers(0, 2**64 - 1), st.sampled_from([0, 1, 1 << 20, (1 << 20) + 1, 1 << 30, 2**64 - 1]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
heads = st.one_of(
    st.dictionaries(st.sampled_from([*GOOD_HEAD, "error", "message", "permanent", "line", "path", "result"]), values),
    st.builds(lambda name, value: {**GOOD_HEAD, name: value}, st.sampled_from(list(GOOD_HEAD)), values),
    st.builds(
        lambda name, value: {"error": "template_error", "message": "m", "log": "", name: value},
        st.sampled_from(["error", "message", "permanent", "line", "column", "path", "file", "log"]),
        values,
    ),
    values,
)
claimed = st.builds(
    lambda head, blobs, rest: PREFIX.pack(head, len(blobs)) + struct.pack(f"!{len(blobs)}Q", *blobs) + rest,
    lengths,
    st.lists(blob_lengths, max_size=3),
    st.binary(max_size=400),
)
framed = st.builds(
    lambda head, blobs: bytes.fromhex(frame(head, *blobs)),
    heads,
    st.lists(st.sampled_from([b"", b"%PDF-1.7", b"<html>", b"%PDF-" + bytes(2000)]), max_size=3),
)
replies = st.one_of(
    st.binary(max_size=600), claimed, framed, st.builds(lambda a, n: a[:n], framed, st.integers(0, 300))
)


@settings(deadline=None, max_examples=600)
@given(reply=replies, asked=st.sampled_from(["document", "task"]))
def test_whatever_arrives_is_a_result_an_honest_error_or_a_frame_error(reply: bytes, asked: str) -> None:
    read_fd, write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    os.write(write_fd, reply)
    os.close(write_fd)
    tracemalloc.start()
    try:
        outcome = received(read_fd, asked)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        os.close(read_fd)
    assert peak < MOST_MEMORY
    if isinstance(outcome, RenderError):
        # Any log, terminal and database takes it.
        assert f"{outcome.message}{outcome.log}{outcome.path}{outcome.file}".encode()
        assert outcome.line is None or outcome.line >= 0


def received(read_fd: int, asked: str) -> object:
    """Return what the parent makes of a reply; anything but these errors fails the test."""
    try:
        header, blobs = Channel(read_fd, -1).receive(BOUNDS, deadline=time.monotonic() + 5)
        if asked == "document":
            return unpack_reply(header, blobs, peak_memory_kb=0)
        return unpack_result(header, peak_memory_kb=0)
    except (FrameError, RenderError) as error:
        return error


def test_a_length_that_was_announced_costs_nothing_until_it_arrives() -> None:
    """A child may announce the largest blob that it is allowed and send nothing: memory follows what arrives."""
    read_fd, write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    bounds = FrameBounds(header=1000, blobs=1, total=1 << 30)
    os.write(write_fd, PREFIX.pack(2, 1) + struct.pack("!Q", 1 << 30) + b"{}")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(FrameTimeout):
        Channel(read_fd, -1).receive(bounds, deadline=time.monotonic() + 0.2)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10
    os.close(read_fd)
    os.close(write_fd)


# --- A real child, confined, at each state of the conversation --------------------------------------------------------
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reply=replies)
def test_a_confined_child_may_answer_anything_and_the_next_document_is_made(probes: ProbeSandbox, reply: bytes) -> None:
    with suppress(RenderError):
        probes.render(spec("reply_then_exit", css=reply.hex()), tenant="acme")
    assert probe(probes, "echo", "next").log == "next"


@pytest.mark.parametrize("state", ["before the answer", "in its length", "in its header", "in its blob"])
def test_a_slow_drip_ends_at_the_timeout_and_not_later(probes: ProbeSandbox, state: str) -> None:
    whole = bytes.fromhex(frame(GOOD_HEAD, b"%PDF-" + bytes(3000)))
    at = {"before the answer": 0, "in its length": 5, "in its header": 60, "in its blob": len(whole) - 2500}[state]
    begun = time.monotonic()
    error = failed_probe(probes, "drip", f'["{whole[:at].hex()}", "{whole[at:].hex()}"]')
    assert error.code is ErrorCode.RENDER_TIMEOUT
    assert time.monotonic() - begun < 20  # of the minutes that it would go on
    assert probe(probes, "echo", "next").log == "next"


def test_two_answers_to_one_question_are_never_told_as_the_next_ones(probes: ProbeSandbox) -> None:
    """What a child sends unasked waits in its pipe, and would be taken for the answer to its tenant's next document."""
    head = GOOD_HEAD | {"log": "a second answer"}
    probes.render(spec("answer_twice", css=frame(head, b"%PDF-forged")), tenant="acme")
    liar = probes._nursery._children["acme"]
    assert eventually(lambda: not liar.is_silent())
    after = probe(probes, "echo", "next")
    assert after.log == "next"
    assert after.pdf == b"%PDF-probe"


@pytest.mark.parametrize("lie", ["garbage", "gigabytes", "too many blobs", "a list", "silence", "half", "hang up"])
def test_a_child_that_greets_wrongly_is_no_documents_fault_and_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    monkeypatch.setattr("templates_app.renderer.nursery._HELLO_SECONDS", 1.0)
    monkeypatch.setenv("LD_LIBRARY_PATH", f"/lie/{lie}")  # the one variable that a zygote is given
    with FuzzSandbox(scratch_root=tmp_path, limits=RenderLimits(timeout_s=1, memory_mb=192)) as sandbox:
        begun = time.monotonic()
        with pytest.raises(RendererUnavailable):
            probe(sandbox, "echo")
        assert time.monotonic() - begun < 20
        assert isinstance(sandbox._nursery, Nursery)
        assert not sandbox._nursery._children


def test_many_liars_leave_neither_descriptors_nor_processes_nor_memory(probes: ProbeSandbox) -> None:
    probe(probes, "echo")
    open_before = len(os.listdir("/proc/self/fd"))
    for _ in range(30):
        failed_probe(probes, "reply_then_sleep", PREFIX.pack(2**32 - 1, 1).hex())
    probe(probes, "echo")
    assert len(os.listdir("/proc/self/fd")) <= open_before
    zygote = probes._nursery._zygote
    assert zygote is not None
    assert len(zygote._endings) <= zygote_handle._ENDINGS_KEPT + 1
