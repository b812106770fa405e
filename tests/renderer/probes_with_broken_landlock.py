"""The probes on a machine that promises Landlock and then refuses it to a child."""

from __future__ import annotations

from collections.abc import Iterable

from templates_app.renderer import landlock
from tests.renderer.probes import answer

__all__ = ["answer", "warm"]


def _refuse(*, readable: Iterable[str], writable: Iterable[str]) -> None:
    raise PermissionError("no Landlock for you")


def warm() -> None:
    """Break Landlock."""
    landlock.restrict = _refuse
