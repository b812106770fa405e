"""The few calls that Python has no name for."""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int) -> None:
    """Ask the kernel for SIGKILL when the thread that forked us ends; exit at once if `parent` is gone already."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def become_undumpable() -> None:
    """Let no other process of this user trace us or read our memory, and leave no core file."""
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
