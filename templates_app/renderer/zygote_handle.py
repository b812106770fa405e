"""The parent's handle on its zygote: start it, ask it for children, learn how they ended."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from templates_app.renderer.contracts import RendererUnavailable

# Warming up fills fontconfig's cache; with many fonts on a slow disk the first time takes long.
_START_SECONDS = 120.0
_ANSWER_SECONDS = 10.0
_STOP_SECONDS = 5.0
_MESSAGE_BYTES = 65_536
_ENDINGS_KEPT = 100
_PROJECT_ROOT = Path(__file__).resolve().parents[2]
_BOOTSTRAP = """
import json, sys
config = json.loads(sys.argv[1])
sys.path.insert(0, config["root"])
from templates_app.renderer.zygote import main
main(config)
"""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended: an exit status or a signal."""

    status: int | None
    signal: int | None
    peak_memory_kb: int


class ZygoteHandle:
    """A running zygote."""

    def __init__(self, *, program: str, workspace: Path, fontconfig: Path) -> None:
        """Start it and wait until it is warm; raise RendererUnavailable if it does not get there."""
        self._control, far_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        config = {"control": far_end.fileno(), "parent": os.getpid(), "program": program, "root": str(_PROJECT_ROOT)}
        self._stderr = os.memfd_create("zygote-stderr", os.MFD_CLOEXEC)
        with far_end:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-s", "-B", "-c", _BOOTSTRAP, json.dumps(config)],
                pass_fds=[far_end.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                env=_environment(workspace, fontconfig),
                cwd=workspace,
                start_new_session=True,
            )
        self._endings: dict[int, Ending] = {}
        try:
            message, _ = self._receive(time.monotonic() + _START_SECONDS)
        except RendererUnavailable:
            self.close()
            raise
        self.pid = self._process.pid
        self.problem: str | None = message["problem"]

    def is_alive(self) -> bool:
        """Say whether the process still runs."""
        return self._process.poll() is None

    def fork(self, order: dict[str, Any], fds: list[int]) -> tuple[int, int]:
        """Have a child forked that holds `fds` (request, reply, standard error); return its pid and a pidfd."""
        try:
            socket.send_fds(self._control, [json.dumps(order).encode()], fds)
        except OSError as error:
            raise RendererUnavailable("the renderer's zygote is gone") from error
        deadline = time.monotonic() + _ANSWER_SECONDS
        while True:
            message, received = self._receive(deadline)
            if "forked" in message:
                return message["forked"], received[0]
            self._note_ending(message)

    def ending_of(self, pid: int, *, seconds: float = _STOP_SECONDS) -> Ending | None:
        """Return how a child that is dying ended; None if the zygote cannot tell in time."""
        deadline = time.monotonic() + seconds
        with suppress(RendererUnavailable):
            while pid not in self._endings:
                message, _ = self._receive(deadline)
                self._note_ending(message)
        return self._endings.pop(pid, None)

    def close(self) -> None:
        """End it, and with it all its children."""
        self._control.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._stderr)

    def _note_ending(self, message: dict[str, Any]) -> None:
        if len(self._endings) > _ENDINGS_KEPT:
            self._endings.clear()  # Of children nobody asks about any more.
        status = message["status"]
        self._endings[message["exited"]] = Ending(
            status=os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
            signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
            peak_memory_kb=message["peak_memory_kb"],
        )

    def _receive(self, deadline: float) -> tuple[dict[str, Any], list[int]]:
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise RendererUnavailable("the renderer's zygote does not answer")
        try:
            data, fds, _, _ = socket.recv_fds(self._control, _MESSAGE_BYTES, 1)
        except OSError:
            data, fds = b"", []
        if not data:
            raise RendererUnavailable(f"the renderer's zygote ended: {self._last_words()}")
        message: dict[str, Any] = json.loads(data)
        return message, fds

    def _last_words(self) -> str:
        size = os.fstat(self._stderr).st_size
        return os.pread(self._stderr, 2000, max(0, size - 2000)).decode("utf-8", "replace").strip()


def _environment(workspace: Path, fontconfig: Path) -> dict[str, str]:
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        # The same spec must give the same bytes in every zygote, whatever order its sets have.
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "FONTCONFIG_FILE": str(fontconfig / "fonts.conf"),
        **dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), str(workspace)),
    }
    if path := os.environ.get("LD_LIBRARY_PATH"):
        environment["LD_LIBRARY_PATH"] = path
    return environment
