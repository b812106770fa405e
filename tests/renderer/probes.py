"""A program for children that does what a hijacked one might: `html_source` names a function, `css_source` its input.

Only a sandbox that a test makes names this module; nothing in production can.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from templates_app.renderer.contracts import RenderedDocument, RenderSpec
from templates_app.renderer.serving import REPLY_FD, REQUEST_FD

PREFIX = struct.Struct("!II")


def warm() -> None:
    """Nothing to warm."""


def answer(spec: RenderSpec) -> RenderedDocument:
    """Do it, and return the outcome as a document: its log is the result, its page count this process's id."""
    result = PROBES[spec.html_source](spec.css_source)
    return RenderedDocument(
        pdf=b"%PDF-probe",
        page_count=os.getpid(),
        engine_version="probe",
        language_ms=0,
        engine_ms=0,
        finishing_ms=0,
        peak_memory_kb=0,
        log=str(result),
    )


def _sleep(_: str = "") -> None:
    while True:
        time.sleep(3600)


def _spin(_: str) -> None:
    while True:
        pass


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError as error:
        return type(error).__name__


def _write(path: str) -> str:
    try:
        Path(path).write_text("x")
    except OSError as error:
        return type(error).__name__
    return "written"


def _surroundings(_: str) -> str:
    descriptors = []
    for fd in range(1024):
        try:
            os.fstat(fd)
        except OSError:
            continue
        descriptors.append(fd)
    here = {
        "environment": dict(os.environ),
        "directory": str(Path.cwd()),
        "temporary": tempfile.gettempdir(),
        "descriptors": descriptors,
        "files": os.listdir(),
        "zygote": os.getppid(),
    }
    return json.dumps(here)


def _fill_memory(_: str) -> None:
    hoard = []
    while True:
        hoard.append(bytearray(1 << 20))


def _hold_memory(megabytes: str) -> int:
    return len(b"x" * (int(megabytes) << 20))


_HOARD: list[bytes] = []


def _hoard_memory(megabytes: str) -> None:
    _HOARD.append(b"x" * (int(megabytes) << 20))


def _abort_after_saying(words: str) -> None:
    os.write(2, words.encode())
    os.abort()


def _start_thread(_: str) -> str:
    done: list[str] = []
    thread = threading.Thread(target=done.append, args=("ran",))
    thread.start()
    thread.join()
    return done[0]


def _reply_then_sleep(reply: str) -> None:
    """Write bytes given in hexadecimal where a reply belongs, and neither finish nor die."""
    os.write(REPLY_FD, bytes.fromhex(reply))
    _sleep()


def _reply_then_exit(reply: str) -> None:
    os.write(REPLY_FD, bytes.fromhex(reply))
    os._exit(0)


def _drip(pieces: str) -> None:
    """Write a first piece at once, then another one byte at a time, without end."""
    at_once, slowly = (bytes.fromhex(piece) for piece in json.loads(pieces))
    os.write(REPLY_FD, at_once)
    for byte in slowly:
        os.write(REPLY_FD, bytes([byte]))
        time.sleep(0.05)
    _sleep()


def _answer_twice(second: str) -> str:
    """Write an answer that nobody asked for behind the one that is asked for."""

    def later() -> None:
        time.sleep(0.2)
        os.write(REPLY_FD, bytes.fromhex(second))

    threading.Thread(target=later, daemon=True).start()
    return "first"


def _fill_pipe(_: str) -> None:
    head = b'{"page_count":1}'
    os.write(REPLY_FD, PREFIX.pack(len(head), 1) + struct.pack("!Q", 1 << 20) + head)
    while True:
        os.write(REPLY_FD, b"%PDF-" * 10_000)


def _close_and_sleep(_: str) -> None:
    os.close(REPLY_FD)
    _sleep()


def _answer_and_go_deaf(_: str) -> None:
    head = json.dumps(
        {"page_count": os.getpid(), "engine_version": "", "warnings": [], "log": "deaf", "fonts": []}
        | dict.fromkeys(("language_ms", "engine_ms", "finishing_ms"), 0)
    ).encode()
    os.write(REPLY_FD, PREFIX.pack(len(head), 1) + struct.pack("!Q", 5) + head + b"%PDF-")
    _sleep()


def _burrow(_: str) -> str:
    """Leave a directory nobody may list, and one deeper than Python recurses."""
    os.mkdir("locked", 0o300)
    Path("locked/file").write_text("x")
    path = "d"
    for _level in range(1100):
        os.mkdir(path)
        path += "/d"
    os.mkdir("d/closed", 0)
    return "dug"


def _answer_and_hang_up(_: str) -> None:
    os.close(REQUEST_FD)
    _answer_and_go_deaf("")


PROBES: dict[str, Callable[[str], object]] = {
    "sleep": _sleep,
    "spin": _spin,
    "read": _read,
    "write": _write,
    "surroundings": _surroundings,
    "fill_memory": _fill_memory,
    "hold_memory": _hold_memory,
    "hoard_memory": _hoard_memory,
    "abort_after_saying": _abort_after_saying,
    "start_thread": _start_thread,
    "reply_then_sleep": _reply_then_sleep,
    "reply_then_exit": _reply_then_exit,
    "fill_pipe": _fill_pipe,
    "drip": _drip,
    "answer_twice": _answer_twice,
    "close_and_sleep": _close_and_sleep,
    "answer_and_go_deaf": _answer_and_go_deaf,
    "burrow": _burrow,
    "socket": lambda _: socket.socket(),
    "unix_socket": lambda _: socket.socketpair(),
    "fork": lambda _: os.fork(),
    "exec": lambda path: os.execv(path, [path]),  # noqa: S606 # it must be killed for trying
    "kill": lambda pid: os.kill(int(pid), signal.SIGTERM),
    "ptrace": lambda pid: ctypes.CDLL(None).ptrace(16, int(pid), 0, 0),
    "memfd": lambda _: os.memfd_create("x"),
    "symlink": lambda _: os.symlink("/etc/passwd", "link"),
    "chmod": lambda _: os.chmod(".", 0o700),
    "unshare": lambda _: ctypes.CDLL(None).unshare(0x10000000),
    "segfault": lambda _: ctypes.string_at(0),
    "exit": lambda status: os._exit(int(status)),
    "recurse": lambda _: json.loads("[" * 100_000),
    "echo": lambda text: text,
    "stdin": lambda _: os.read(0, 10),
    "say": lambda words: os.write(2, words.encode()),
    "answer_and_hang_up": _answer_and_hang_up,
}
