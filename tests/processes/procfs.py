"""Processes as /proc shows them. An id may be given out again, so a process is its id and the moment of its birth."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_ENDED = {"Z", "X"}


@dataclass(frozen=True, order=True)
class Process:
    """One process; `born` is in clock ticks since the machine started."""

    born: int
    pid: int

    def is_alive(self) -> bool:
        """Say whether this very process still runs; one that only waits to be reaped does not."""
        fields = _stat(self.pid)
        return fields is not None and int(fields[19]) == self.born and fields[0] not in _ENDED

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens to a process that is gone."""
        with suppress(ProcessLookupError):
            if self.is_alive():
                os.kill(self.pid, number)

    def runs(self, *arguments: str) -> bool:
        """Say whether its command line holds all of these, the program's path apart."""
        try:
            line = Path(f"/proc/{self.pid}/cmdline").read_text(errors="replace").split("\0")
        except OSError:
            return False
        return {Path(each).name for each in line}.issuperset(arguments)

    def children(self) -> list[Process]:
        """Return the living children, the oldest first."""
        return sorted(child for child in _by_parent().get(self.pid, []) if child.is_alive())

    def descendants(self) -> list[Process]:
        """Return the living children, their children, and so on."""
        families = _by_parent()
        found: list[Process] = []
        line = [self.pid]
        while line:
            children = families.get(line.pop(), [])
            found += children
            line += [child.pid for child in children]
        return [process for process in found if process.is_alive()]


def process(pid: int) -> Process:
    """Return the process that has the id `pid` now."""
    fields = _stat(pid)
    if fields is None:
        raise ProcessLookupError(pid)
    return Process(int(fields[19]), pid)


def is_running(pid: int) -> bool:
    """Say whether any process has this id."""
    fields = _stat(pid)
    return fields is not None and fields[0] not in _ENDED


def living(processes: Iterable[Process]) -> list[Process]:
    """Return those that still run."""
    return [each for each in processes if each.is_alive()]


def _by_parent() -> dict[int, list[Process]]:
    families: dict[int, list[Process]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            families.setdefault(int(fields[1]), []).append(Process(int(fields[19]), int(entry.name)))
    return families


def _stat(pid: int) -> list[str] | None:
    """Return /proc/PID/stat from the state on: 0 is the state, 1 the parent, 19 the birth."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
