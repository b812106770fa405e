"""What the death of a child says about the document it was making."""

from __future__ import annotations

import re
import signal

from templates_app.renderer.child import Child
from templates_app.renderer.contracts import ErrorCode, RenderError, RenderLimits
from templates_app.renderer.serving import OUT_OF_MEMORY_STATUS
from templates_app.renderer.wire import MAX_LOG_CHARS, clean_text
from templates_app.renderer.zygote_handle import Ending

# C++, Python, GLib, cairo, Rust: how a library says that an allocation failed before it aborts.
_OUT_OF_MEMORY = re.compile(
    r"bad_alloc|MemoryError|(?:could not|failed to|cannot) allocate|out of memory|memory allocation of \d+ bytes fail",
    re.IGNORECASE,
)
# A document that got less of a processor waited for others, and may pass when they are done.
_USED_UP_TIME = 0.9
# Measured when the kernel refused more: 227 of 256 MiB, for what is allotted but untouched (30 MiB) counts too.
_USED_UP_MEMORY = 0.8


def verdict(ending: Ending | None, stderr: str, peak_memory_kb: int) -> RenderError:
    """Return the error for a document whose child died of it; all of these may pass another time."""
    peak = max(peak_memory_kb, ending.peak_memory_kb if ending else 0)
    code, message = _judge(ending, stderr)
    log = clean_text(stderr, MAX_LOG_CHARS)
    return RenderError(code, message, permanent=False, log=log, peak_memory_kb=peak)


def timeout(seconds: float, stderr: str, peak_memory_kb: int) -> RenderError:
    """Return the error for a document that was not finished in `seconds`."""
    message = f"the document was not finished within {seconds:g} seconds"
    log = clean_text(stderr, MAX_LOG_CHARS)
    return RenderError(ErrorCode.RENDER_TIMEOUT, message, permanent=False, log=log, peak_memory_kb=peak_memory_kb)


def nonsense(reason: str, stderr: str, peak_memory_kb: int) -> RenderError:
    """Return the error for a child that answered something no honest child answers."""
    message = f"the renderer answered nonsense: {reason}"
    log = clean_text(stderr, MAX_LOG_CHARS)
    return RenderError(ErrorCode.RENDER_CRASH, message, permanent=False, log=log, peak_memory_kb=peak_memory_kb)


def used_up_limit(error: RenderError, child: Child, limits: RenderLimits) -> bool:
    """Say whether the document itself used nearly all that it may have, by what the kernel counted."""
    if error.code is ErrorCode.RENDER_TIMEOUT:
        used = child.cpu_seconds()
        # One that is gone was ended by SIGXCPU.
        return used is None or used >= _USED_UP_TIME * limits.timeout_s
    if error.code is ErrorCode.RENDER_MEMORY:
        # What earlier documents left behind, up to `child_max_growth_mb`, counts too.
        return child.documents == 0 and error.peak_memory_kb >= _USED_UP_MEMORY * (limits.memory_mb << 10)
    return False


def _judge(ending: Ending | None, stderr: str) -> tuple[ErrorCode, str]:
    if ending is None:
        return ErrorCode.RENDER_CRASH, "the renderer was ended from outside"
    if ending.signal == signal.SIGXCPU:
        return ErrorCode.RENDER_TIMEOUT, "the document used up its processor time"
    if ending.status == OUT_OF_MEMORY_STATUS or (ending.signal and _OUT_OF_MEMORY.search(stderr)):
        return ErrorCode.RENDER_MEMORY, "the document needs too much memory"
    if ending.signal == signal.SIGSYS:
        return ErrorCode.RENDER_CRASH, "the renderer tried something forbidden and was killed (SIGSYS)"
    if ending.signal is not None:
        return ErrorCode.RENDER_CRASH, f"the renderer was killed by {_signal_name(ending.signal)}"
    return ErrorCode.RENDER_CRASH, f"the renderer exited with status {ending.status}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
