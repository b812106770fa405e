"""Run as a script, under `unshare --map-root-user --net --mount`: render all leaks without any confinement.

Here every address of the world is this process's own, and every name is answered with one, so that whatever leaves is
seen, down to the packet; and whoever opens a file that must not be read is seen too. Prints what was seen as JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
_ETH_P_ALL = 3
_IN_OPEN, _IN_ACCESS = 0x20, 0x1
_PORTS = (21, 22, 80, 443, 8080)


def main() -> None:
    """Render every place on every engine; print the report."""
    sys.path.insert(0, str(ROOT))
    from templates_app.renderer import program
    from templates_app.renderer.contracts import Engine, RenderError
    from tests.renderer.hostile import leaks

    _own_the_world()
    names = sys.argv[1:] or leaks.PLACES
    with tempfile.TemporaryDirectory() as directory:
        canaries = Path(directory)
        for suffix, text in leaks.CANARIES.items():
            (canaries / f"canary{suffix}").write_text(text)
        report: dict[str, Any] = {"documents": 0, "refused": {}, "spilt": [], "touched": [], "packets": {}}
        program.warm()
        with _Wire() as wire, _watched(canaries) as touched:
            for name in names:
                for engine in Engine:
                    for spec in leaks.specs(name, engine, canaries):
                        report["documents"] += 1
                        try:
                            pdf = program.answer(spec).pdf
                        except RenderError as error:
                            report["refused"].setdefault(f"{name} on {engine}", f"{error.code}: {error.message[:200]}")
                            continue
                        if spilt(pdf):
                            report["spilt"].append(f"{name} on {engine}: {spec.html_source[:300]}")
                if seen := wire.take():
                    report["packets"][name] = seen
                if files := touched():
                    report["touched"].append(f"{name}: {files}")
            report["control"] = _control(wire, canaries, touched)
    sys.stdout.write(json.dumps(report))


def spilt(pdf: bytes) -> bool:
    """Say whether a PDF holds a file that must not be read, as text or attached."""
    import io

    import pikepdf
    import pypdfium2

    from tests.renderer.hostile.leaks import CANARY

    with pypdfium2.PdfDocument(pdf) as pages:
        if any(CANARY in page.get_textpage().get_text_range() for page in pages):
            return True
    with pikepdf.open(io.BytesIO(pdf)) as document:
        streams = (item for item in document.objects if isinstance(item, pikepdf.Stream))
        return any(CANARY.encode() in _decoded(stream) for stream in streams)


def _decoded(stream: Any) -> bytes:
    try:
        return bytes(stream.read_bytes())
    except Exception:  # an image's own compression, which pikepdf does not undo
        return bytes(stream.read_raw_bytes())


def _control(wire: _Wire, canaries: Path, touched: Any) -> dict[str, bool]:
    """Do what no document may, so that it is certain that it would be seen."""
    with suppress(OSError):
        urllib.request.urlopen("http://somewhere.example/x", timeout=5).read()
    by_name = bool(wire.take())
    for family, address in ((socket.AF_INET, "8.8.8.8"), (socket.AF_INET6, "2001:db8::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as gram:
            gram.sendto(b"x", (address, 9))
    by_address = wire.take() >= 2
    (canaries / "canary.svg").read_text()
    return {"name": by_name, "address": by_address, "file": bool(touched())}


def _own_the_world() -> None:
    """Make every address this host's own, and this process its name server and its web server."""
    for command in (
        ("ip", "link", "set", "lo", "up"),
        ("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo"),
        ("ip", "-6", "route", "add", "local", "::/0", "dev", "lo"),
    ):
        subprocess.run(command, check=True)
    resolver = tempfile.NamedTemporaryFile("w", suffix=".conf")  # noqa: SIM115  # lives as long as this process
    resolver.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    resolver.flush()
    # Where the file is a link, what it leads to is what is read.
    mount = ("mount", "--bind", resolver.name, os.path.realpath("/etc/resolv.conf"))
    subprocess.run(mount, check=True)
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("0.0.0.0", 53))  # noqa: S104  # nobody else is in this network
    threading.Thread(target=_answer_names, args=(names,), daemon=True).start()
    for port in _PORTS:
        server = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        threading.Thread(target=_answer_requests, args=(server,), daemon=True).start()


def _answer_names(names: socket.socket) -> None:
    while True:
        question, sender = names.recvfrom(512)
        end = question.index(b"\0", 12) + 5
        is_a = question[end - 4 : end - 2] == b"\0\1"
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton("203.0.113.1") if is_a else b""
        head = question[:2] + b"\x81\x80\0\1" + struct.pack("!H", is_a) + b"\0\0\0\0"
        names.sendto(head + question[12:end] + answer, sender)


def _answer_requests(server: socket.socket) -> None:
    while True:
        connection, _ = server.accept()
        with connection:
            connection.settimeout(2)
            with suppress(OSError):
                connection.recv(4096)
                connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nCANARY")


class _Wire:
    """Counts every packet of this network."""

    def __enter__(self) -> _Wire:
        self._tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._tap.bind(("lo", 0))
        return self

    def __exit__(self, *_: object) -> None:
        self._tap.close()

    def take(self) -> int:
        """Return how many packets there were since the last call."""
        count = 0
        # A packet is there once `send` has returned: loopback waits for nobody.
        while select.select([self._tap], [], [], 0)[0]:
            self._tap.recv(65_536)
            count += 1
        return count


@contextmanager
def _watched(directory: Path) -> Iterator[Any]:
    """Yield a function that says which files of the directory were opened or read since its last call."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(os.O_NONBLOCK)
    if fd < 0 or libc.inotify_add_watch(fd, os.fsencode(directory), _IN_OPEN | _IN_ACCESS) < 0:
        raise OSError(ctypes.get_errno(), "inotify")

    def touched() -> list[str]:
        try:
            events = os.read(fd, 65_536)
        except BlockingIOError:
            return []
        names, at = [], 0
        while at < len(events):
            (length,) = struct.unpack_from("I", events, at + 12)
            names.append(events[at + 16 : at + 16 + length].rstrip(b"\0").decode() or ".")
            at += 16 + length
        return sorted(set(names))

    yield touched
    os.close(fd)


if __name__ == "__main__":
    main()
