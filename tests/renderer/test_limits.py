"""Time and memory: what a bomb costs is its own document."""

from __future__ import annotations

import resource
import time

import pytest

from templates_app.renderer import verdicts
from templates_app.renderer.child import Child
from templates_app.renderer.contracts import ErrorCode
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.support import Asset, Engine, ProbeSandbox, failed_probe, failure, probe, spec, text_of

ENGINES = pytest.mark.parametrize("engine", list(Engine))


@pytest.mark.parametrize("hang", ["sleep", "spin"])
def test_a_hang_is_killed_at_the_timeout(probes: ProbeSandbox, hang: str) -> None:
    begun = time.monotonic()
    error = failed_probe(probes, hang)
    assert error.code is ErrorCode.RENDER_TIMEOUT
    assert not error.permanent
    assert 0.9 < time.monotonic() - begun < 20  # of the hour that it would go on
    assert probe(probes, "echo", "next").log == "next"


def test_who_worked_all_the_time_used_it_up_and_who_waited_did_not(
    probes: ProbeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine the one gets a share of the time only, the other none in any case.
    monkeypatch.setattr(verdicts, "_USED_UP_TIME", 0.05)
    assert not failed_probe(probes, "sleep").used_up_limit
    assert failed_probe(probes, "spin").used_up_limit


def test_time_of_earlier_documents_does_not_count(probes: ProbeSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Child, "_cpu_clock", lambda _: 1_000.0)
    assert not failed_probe(probes, "spin").used_up_limit


def test_memory_is_used_up_only_by_a_childs_first_document(own_probes: ProbeSandbox) -> None:
    """Another's may fail for what its predecessors left behind."""
    assert failed_probe(own_probes, "fill_memory").used_up_limit
    probe(own_probes, "echo")
    assert not failed_probe(own_probes, "fill_memory").used_up_limit


def test_who_asks_for_more_memory_than_there_is_at_once_did_not_use_it_up(own_probes: ProbeSandbox) -> None:
    error = failed_probe(own_probes, "abort_after_saying", "std::bad_alloc")
    assert (error.code, error.used_up_limit) == (ErrorCode.RENDER_MEMORY, False)


def test_processor_time_counts_per_document_and_not_per_child(probes: ProbeSandbox) -> None:
    limits = []
    for _ in range(3):
        pid = probe(probes, "echo").page_count
        limits.append(resource.prlimit(pid, resource.RLIMIT_CPU)[0])
    assert all(2 <= limit <= 3 for limit in limits)


def test_a_memory_bomb_is_a_memory_error_and_the_next_document_works(probes: ProbeSandbox) -> None:
    error = failed_probe(probes, "fill_memory")
    assert error.code is ErrorCode.RENDER_MEMORY
    assert not error.permanent
    assert 50 << 10 < error.peak_memory_kb < 250 << 10
    assert probe(probes, "echo", "next").log == "next"


@pytest.mark.parametrize("megabytes", [120, 250], ids=["twice in memory", "at all"])
def test_a_request_that_a_child_cannot_hold_is_a_memory_error(probes: ProbeSandbox, megabytes: int) -> None:
    error = failed_probe(probes, "echo", payload=b" " * (megabytes << 20))
    assert error.code is ErrorCode.RENDER_MEMORY
    assert probe(probes, "echo", "next").log == "next"


@pytest.mark.parametrize(
    "words",
    [
        "terminate called after throwing std::bad_alloc",
        "GLib-ERROR: could not allocate 8 bytes",
        "MemoryError",
        "memory allocation of 1080 bytes failed",
    ],
)
def test_an_abort_for_want_of_memory_is_a_memory_error(probes: ProbeSandbox, words: str) -> None:
    error = failed_probe(probes, "abort_after_saying", words)
    assert error.code is ErrorCode.RENDER_MEMORY
    assert words in error.log


def test_an_abort_for_another_reason_is_a_crash(probes: ProbeSandbox) -> None:
    error = failed_probe(probes, "abort_after_saying", "assertion failed")
    assert error.code is ErrorCode.RENDER_CRASH
    assert "SIGABRT" in error.message


def test_a_segfault_is_a_crash(probes: ProbeSandbox) -> None:
    error = failed_probe(probes, "segfault")
    assert error.code is ErrorCode.RENDER_CRASH
    assert "SIGSEGV" in error.message


def test_an_exit_is_a_crash(probes: ProbeSandbox) -> None:
    error = failed_probe(probes, "exit", "3")
    assert error.code is ErrorCode.RENDER_CRASH
    assert "status 3" in error.message


def test_the_log_of_a_crash_is_about_its_own_document(probes: ProbeSandbox) -> None:
    probe(probes, "say", "of the first document")
    assert failed_probe(probes, "exit", "3").log == ""


def test_an_unexpected_exception_is_a_crash_with_its_traceback(probes: ProbeSandbox) -> None:
    error = failed_probe(probes, "recurse")
    assert error.code is ErrorCode.RENDER_CRASH
    assert "RecursionError" in error.message
    assert "Traceback" in error.log


BOMBS = {
    "endless loops": (
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        Engine.PLUTOBOOK,
        {ErrorCode.RENDER_TIMEOUT},
    ),
    "doubling text": (
        "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        Engine.PLUTOBOOK,
        {ErrorCode.RENDER_MEMORY},
    ),
    "a colspan of 65534": (
        "<table><tr><td colspan=65534>x</table>",
        Engine.WEASYPRINT,
        {ErrorCode.RENDER_TIMEOUT, ErrorCode.RENDER_MEMORY},
    ),
    "a million rows in PlutoBook": (
        "<table>" + "<tr><td>x" * 1_000_000,
        Engine.PLUTOBOOK,
        {ErrorCode.RENDER_TIMEOUT, ErrorCode.RENDER_MEMORY},
    ),
    "a hundred thousand rows in WeasyPrint": (
        "<table>" + "<tr><td>x" * 100_000,
        Engine.WEASYPRINT,
        {ErrorCode.RENDER_TIMEOUT, ErrorCode.RENDER_MEMORY},
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_in_time_and_the_next_document_works(tight: Sandbox, name: str) -> None:
    source, engine, codes = BOMBS[name]
    error = failure(tight, spec(source, engine=engine))
    assert error.code in codes
    assert not error.permanent
    after = tight.render(spec("<p>alive", engine=engine), tenant="acme")
    assert "alive" in text_of(after)


@ENGINES
def test_html_nested_without_end_never_takes_the_next_document_along(tight: Sandbox, engine: Engine) -> None:
    error = failure(tight, spec("<div>" * 200_000 + "x", engine=engine))
    assert error.code in {
        ErrorCode.TEMPLATE_ERROR,
        ErrorCode.RENDER_CRASH,
        ErrorCode.RENDER_TIMEOUT,
        ErrorCode.RENDER_MEMORY,
    }
    assert "alive" in text_of(tight.render(spec("<p>alive", engine=engine), tenant="acme"))


@ENGINES
def test_an_image_of_too_many_pixels_is_left_out_with_a_warning(tight: Sandbox, engine: Engine) -> None:
    bomb = Asset("bomb.png", "image/png", _png(30_000, 30_000))
    document = tight.render(spec('<p>before<img src="asset:bomb.png">', engine=engine, assets=(bomb,)), tenant="acme")
    assert any("bomb.png" in warning for warning in document.warnings)
    assert "before" in text_of(document)


def test_a_pdf_larger_than_allowed_is_too_large_for_ever(tight: Sandbox) -> None:
    noise = Asset("noise.bin", "application/octet-stream", _noise(1_200_000))
    error = failure(tight, spec('<link rel="attachment" href="asset:noise.bin"><p>x', assets=(noise,)))
    assert error.code is ErrorCode.TOO_LARGE
    assert error.permanent


def _png(width: int, height: int) -> bytes:
    """Return a valid one-bit PNG of one colour."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    packer = zlib.compressobj(1)
    row = b"\0" * (1 + (width + 7) // 8)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack("!IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _noise(size: int) -> bytes:
    import random

    return random.Random(1).randbytes(size)  # noqa: S311 # noise that is the same every time
