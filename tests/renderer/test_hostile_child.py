"""The parent trusts nothing of a child: what arrives, or does not, is a RenderError, and the next document works."""

from __future__ import annotations

import json
import struct

import pytest

from templates_app.renderer.contracts import ErrorCode
from tests.renderer.probes import PREFIX
from tests.renderer.support import ProbeSandbox, failed_probe, probe

GOOD_HEAD = {
    "page_count": 1,
    "engine_version": "",
    "language_ms": 0,
    "engine_ms": 0,
    "finishing_ms": 0,
    "warnings": [],
    "log": "",
    "fonts": [],
}


def frame(head: object, *blobs: bytes, raw: bytes | None = None) -> str:
    """Return a reply in hexadecimal."""
    data = json.dumps(head).encode() if raw is None else raw
    lengths = struct.pack(f"!{len(blobs)}Q", *map(len, blobs))
    return (PREFIX.pack(len(data), len(blobs)) + lengths + data + b"".join(blobs)).hex()


NONSENSE = {
    "garbage": (b"\xff" * 100).hex(),
    "text": b"HTTP/1.1 200 OK\r\n\r\n".hex(),
    "a header of four gigabytes": PREFIX.pack(2**32 - 1, 1).hex(),
    "four thousand million blobs": PREFIX.pack(10, 2**32 - 1).hex(),
    "a blob of many exabytes": (PREFIX.pack(2, 1) + struct.pack("!Q", 2**64 - 1) + b"{}").hex(),
    "a blob just too large": (PREFIX.pack(2, 1) + struct.pack("!Q", (1 << 20) + 1) + b"{}").hex(),
    "a header that is no JSON": frame(None, raw=b"{"),
    "a header that is no text": frame(None, raw=b'{"a":"\xff\xfe"}'),
    "a header that is a list": frame([]),
    "a header nested without end": frame(None, raw=b"[" * 100_000),
    "a number of 10,000 digits": frame(None, raw=b'{"page_count":' + b"9" * 10_000 + b"}"),
    "no PDF": frame(GOOD_HEAD),
    "a PDF that is none": frame(GOOD_HEAD, b"<html>"),
    "a negative page count": frame(GOOD_HEAD | {"page_count": -1}, b"%PDF-"),
    "a page count that is a boolean": frame(GOOD_HEAD | {"page_count": True}, b"%PDF-"),
    "a page count beyond any database": frame(GOOD_HEAD | {"page_count": 2**70}, b"%PDF-"),
    "a time that is NaN": frame(GOOD_HEAD | {"engine_ms": float("nan")}, b"%PDF-"),
    "warnings that are numbers": frame(GOOD_HEAD | {"warnings": [1]}, b"%PDF-"),
    "warnings that are a text": frame(GOOD_HEAD | {"warnings": "a"}, b"%PDF-"),
    "fonts that are numbers": frame(GOOD_HEAD | {"fonts": [1]}, b"%PDF-"),
    "fonts that are a text": frame(GOOD_HEAD | {"fonts": "a"}, b"%PDF-"),
    "a missing log": frame({k: v for k, v in GOOD_HEAD.items() if k != "log"}, b"%PDF-"),
    "an unknown error": frame({"error": "rm -rf"}),
    "an error that is a list": frame({"error": []}),
    "an error without words": frame({"error": "template_error", "log": ""}),
    "a line that is a text": frame({"error": "template_error", "message": "", "log": "", "line": "1"}),
}


@pytest.mark.parametrize("reply", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_a_crash_at_once(probes: ProbeSandbox, reply: str) -> None:
    error = failed_probe(probes, "reply_then_sleep", reply)
    assert error.code is ErrorCode.RENDER_CRASH  # not a timeout, although the child sleeps on
    assert not error.permanent
    assert probe(probes, "echo", "next").log == "next"


@pytest.mark.parametrize("length", [0, 1, 7, 8, 12, 16, 30])
def test_a_reply_cut_short_is_a_crash(probes: ProbeSandbox, length: int) -> None:
    whole = frame(GOOD_HEAD, b"%PDF-1.7")
    error = failed_probe(probes, "reply_then_exit", whole[: 2 * length])
    assert error.code is ErrorCode.RENDER_CRASH
    assert "status 0" in error.message


@pytest.mark.parametrize("length", [0, 12])
def test_a_reply_that_never_ends_is_a_timeout(probes: ProbeSandbox, length: int) -> None:
    whole = frame(GOOD_HEAD, b"%PDF-1.7")
    assert failed_probe(probes, "reply_then_sleep", whole[: 2 * length]).code is ErrorCode.RENDER_TIMEOUT


def test_a_child_that_writes_more_than_it_announced_is_cut_off(probes: ProbeSandbox) -> None:
    assert failed_probe(probes, "fill_pipe").code is ErrorCode.RENDER_CRASH
    assert probe(probes, "echo", "next").log == "next"


def test_a_child_that_closes_its_pipe_and_lives_on_is_killed(probes: ProbeSandbox) -> None:
    error = failed_probe(probes, "close_and_sleep")
    assert error.code is ErrorCode.RENDER_CRASH
    assert "SIGKILL" in error.message


def test_a_child_that_stops_reading_does_not_hold_the_parent(probes: ProbeSandbox) -> None:
    deaf = probe(probes, "answer_and_go_deaf")
    assert deaf.log == "deaf"
    error = failed_probe(probes, "echo", payload=b" " * (4 << 20))
    assert error.code is ErrorCode.RENDER_TIMEOUT
    assert probe(probes, "echo").page_count != deaf.page_count


def test_text_from_a_child_is_cleaned_and_cut(probes: ProbeSandbox) -> None:
    head = {"error": "template_error", "message": "a\x00\x1b[2J\ud800" + "b" * 9000, "log": "", "permanent": "yes"}
    error = failed_probe(probes, "reply_then_sleep", frame(head))
    assert error.message.startswith("a\ufffd\ufffd[2J\ufffdb")
    assert len(error.message) == 2000
    assert error.permanent is False, "only true is true"
    error.message.encode()
