"""The probes on a machine whose kernel has no Landlock, as far as the zygote can tell."""

from __future__ import annotations

from templates_app.renderer import landlock
from tests.renderer.probes import answer

__all__ = ["answer", "warm"]


def warm() -> None:
    """Hide Landlock."""
    landlock.abi = lambda: 0
