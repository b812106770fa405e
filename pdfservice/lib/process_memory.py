"""How much memory whole families of processes hold, from /proc."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
_PSS = re.compile(rb"^Pss:\s+(\d+) kB", re.MULTILINE)


def memory_of_sessions(leaders: Collection[int], proc: Path = Path("/proc")) -> dict[int, int]:
    """Return the KiB that the processes of each session hold, by the session's leader. Shared pages count once.

    Of a process that hides its maps (a confined renderer does) what it shares with nobody's file is counted. Takes some
    milliseconds for each process, for the kernel goes through all of its pages.
    """
    found: dict[int, int] = defaultdict(int)
    for entry in proc.iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError, ValueError):  # it ended meanwhile
                # The name in parentheses may hold anything; what follows the last one is state, parent, group, session.
                session = int((entry / "stat").read_bytes().rpartition(b")")[2].split()[3])
                if session in leaders:
                    found[session] += _memory_kb(entry)
    return dict(found)


def _memory_kb(entry: Path) -> int:
    with suppress(OSError):
        if match := _PSS.search((entry / "smaps_rollup").read_bytes()):
            return int(match[1])
    _, resident, shared, *_ = (entry / "statm").read_bytes().split()
    return (int(resident) - int(shared)) * _PAGE_KB
