"""Probes whose first zygote in a workspace is killed while it starts."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.renderer.probes import answer, warm

__all__ = ["answer", "warm"]

_killed = Path("killed")  # the zygote's directory is its sandbox's workspace
if not _killed.exists():
    _killed.touch()
    os.kill(os.getpid(), signal.SIGKILL)
