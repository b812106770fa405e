"""`script/demo` as a stranger runs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.processes.service import ROOT


@pytest.mark.slow
def test_the_demo_ends_well() -> None:
    # What script/demo runs after installing what is missing, on a port and in a directory (var/demo) of its own.
    demo = subprocess.run(
        [sys.executable, str(ROOT / "script" / "demo.py")], capture_output=True, text=True, timeout=200, check=False
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "none of its" in demo.stdout
