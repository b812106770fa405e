"""The word "stop" from a cluster's guard to its worker, through memory that both share after the fork."""

from __future__ import annotations

import ctypes
from multiprocessing.sharedctypes import RawValue

_requested = RawValue(ctypes.c_bool, False)


def request() -> None:
    """Ask the worker to give its job back and take no other."""
    _requested.value = True


def is_requested() -> bool:
    """Say whether this worker was asked to stop."""
    return bool(_requested.value)
