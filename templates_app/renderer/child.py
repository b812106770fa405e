"""The parent's handle on one child: its pipes, pidfd, scratch directory, limits and standard error."""

from __future__ import annotations

import os
import resource
import select
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

from templates_app.renderer import scratch
from templates_app.renderer.frames import Channel
from templates_app.renderer.resending import Sent

_STDERR_TAIL_BYTES = 8_192
_STATUS_BYTES = 16_384


@dataclass(slots=True)
class Child:
    """One confined process and everything the parent holds for it."""

    tenant: str
    pid: int
    pidfd: int
    channel: Channel
    stderr_fd: int
    directory: Path
    sent: Sent = field(default_factory=Sent)
    documents: int = 0
    fresh_memory_kb: int = 0
    _cpu_before: float = 0.0

    def is_alive(self) -> bool:
        """Say whether the process still runs."""
        return not self.await_end(0)

    def is_silent(self) -> bool:
        """Say whether nothing came from the process since its last answer: what did would pass for the next one."""
        poll = select.poll()
        poll.register(self.channel.read_fd, select.POLLIN)
        return not poll.poll(0)

    def await_end(self, seconds: float) -> bool:
        """Wait until the process has ended (its pidfd becomes readable); say whether it did in time."""
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def kill(self) -> None:
        """End the process now; nothing happens if it has ended."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def allow_cpu(self, seconds: float) -> None:
        """Let the process use `seconds` of processor time from now on (RLIMIT_CPU counts from its start)."""
        with suppress(OSError, ProcessLookupError):
            self._cpu_before = self._cpu_clock()
            limit = ceil(self._cpu_before + seconds) + 1
            resource.prlimit(self.pid, resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))

    def cpu_seconds(self) -> float | None:
        """Return the processor time used since `allow_cpu`, None if the process is gone."""
        try:
            return self._cpu_clock() - self._cpu_before
        except OSError:
            return None

    def memory_kb(self) -> int:
        """Return the memory that the process has resident now, in KiB; 0 if it is gone."""
        return self._status(b"\nVmRSS:")

    def peak_memory_kb(self) -> int:
        """Return the most memory the process has had resident at once, in KiB; 0 if it is gone."""
        return self._status(b"\nVmHWM:")

    def stderr_tail(self) -> str:
        """Return the end of what the process wrote to standard error for the current document."""
        size = os.fstat(self.stderr_fd).st_size
        tail = os.pread(self.stderr_fd, _STDERR_TAIL_BYTES, max(0, size - _STDERR_TAIL_BYTES))
        return tail.decode("utf-8", "replace")

    def release(self) -> None:
        """Kill the process, close everything held for it and remove its directory."""
        self.kill()
        self.channel.close()
        os.close(self.pidfd)
        os.close(self.stderr_fd)
        scratch.remove(self.directory)

    def _cpu_clock(self) -> float:
        # The kernel's clock of another process: (~pid << 3) | 2, see clock_getcpuclockid(3).
        return time.clock_gettime((~self.pid << 3) | 2)

    def _status(self, name: bytes) -> int:
        # Twice for each document, hence without pathlib and lines.
        try:
            status = os.open(f"/proc/{self.pid}/status", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return 0
        try:
            text = os.read(status, _STATUS_BYTES)
        except OSError:
            return 0
        finally:
            os.close(status)
        _, _, rest = text.partition(name)
        return int(rest.split(None, 1)[0]) if rest else 0
