"""Keeping child processes: started in sessions of their own, restarted when they die, gone when we are gone."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)

_PARENT_VARIABLE = "PDFSERVICE_PARENT_PID"
_PR_SET_PDEATHSIG = 1
_LOOK_EVERY_SECONDS = 0.1
# One that lived this long is restarted at once. One that did not waits 0.1 s, then 0.2, 0.4, … 30: a few kills in a row
# are made good quickly, one that cannot start at all costs little.
_HEALTHY_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 30.0


def die_with_parent() -> None:
    """Have the kernel kill this process when its keeper dies; end it now if that happened already.

    Linux only (prctl(2), PR_SET_PDEATHSIG). Does nothing in a process that no Keeper started.
    """
    expected = os.environ.get(_PARENT_VARIABLE)
    if expected is None:
        return
    kill_on_parent_death(int(expected))


def kill_on_parent_death(parent_pid: int) -> None:
    """Die by SIGKILL when process `parent_pid`, our parent, dies, or now if it is not our parent any more."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before the call above
        os._exit(1)


def manage_command(*arguments: str) -> list[str]:
    """Return the command line that runs `manage.py` with this interpreter."""
    return [sys.executable, str(os.path.abspath(sys.argv[0])), *arguments]


@dataclass
class Kept:
    """A process to keep running. `environment` is made anew for each start; `died` is told the one that ended."""

    name: str
    command: Sequence[str]
    environment: Callable[[], Mapping[str, str]] = dict
    died: Callable[[Mapping[str, str]], None] = lambda _environment: None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    current: Mapping[str, str] = field(default_factory=dict, init=False)
    started_at: float = field(default=0.0, init=False)
    start_at: float = field(default=0.0, init=False)
    pause_s: float = field(default=0.0, init=False)

    def start(self) -> None:
        """Start it in a session of its own: a Ctrl-C in the terminal reaches the keeper alone."""
        self.current = dict(self.environment())
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **self.current, _PARENT_VARIABLE: str(os.getpid())},
        )
        self.started_at = time.monotonic()

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the process itself, which looks after its own children."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def kill(self) -> None:
        """Kill the process and everything in its session."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Keeper:
    """Keeps processes running until it is told to stop, then stops them all.

    `tick` is called about ten times a second between looks.
    """

    def __init__(self, kept: Sequence[Kept], *, grace_s: float = 15.0, tick: Callable[[], None] = lambda: None) -> None:
        self.kept = kept
        self._grace_s = grace_s
        self._tick = tick
        self._stopping = False

    def run(self) -> None:
        """Run until SIGTERM or SIGINT; return when no process is left."""
        previous = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            while not self._stopping:
                for kept in self.kept:
                    self._look_after(kept)
                self._tick()
                time.sleep(_LOOK_EVERY_SECONDS)
        finally:
            self._stop_all()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: object) -> None:
        self._stopping = True

    def _look_after(self, kept: Kept) -> None:
        now = time.monotonic()
        if kept.process is not None and kept.process.poll() is not None:
            status = kept.process.returncode
            kept.kill()  # whatever it left behind in its session
            kept.process = None
            if now - kept.started_at > _HEALTHY_SECONDS:
                kept.pause_s = 0.0
            else:
                kept.pause_s = min(max(kept.pause_s * 2, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
            kept.start_at = now + kept.pause_s
            logger.error("%s ended with status %s; starting it again in %.1f s.", kept.name, status, kept.pause_s)
            kept.died(kept.current)
        if kept.process is None and now >= kept.start_at:
            kept.start()

    def _stop_all(self) -> None:
        for kept in self.kept:
            kept.ask_to_stop()
        deadline = time.monotonic() + self._grace_s
        for kept in self.kept:
            if kept.process is None:
                continue
            try:
                kept.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                logger.error("%s did not stop within %.0f s; killing it.", kept.name, self._grace_s)
            kept.kill()
            kept.died(kept.current)
