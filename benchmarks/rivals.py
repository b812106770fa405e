"""What documents are made with elsewhere: a warm tab of headless Chromium, wkhtmltopdf, WeasyPrint's command line."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WKHTMLTOPDF = shutil.which("wkhtmltopdf")
WEASYPRINT = Path(sys.executable).with_name("weasyprint")
_PRINT = {"printBackground": True, "preferCSSPageSize": True}


@dataclass(frozen=True)
class Figures:
    """What was measured of one renderer with one document. Memory is the most resident at once, for one renderer."""

    per_second: float
    p50_ms: float
    p99_ms: float
    memory_mb: float
    documents: int


def figures(times: list[float], seconds: float, memory_mb: float) -> Figures:
    """Return the figures of documents that took `times` seconds each, `seconds` all together."""
    ordered = sorted(times)
    count = len(ordered)
    p99 = ordered[min(count - 1, -(-count * 99 // 100) - 1)]
    return Figures(count / seconds, ordered[count // 2] * 1000, p99 * 1000, memory_mb, count)


def in_turns(lanes: list[Callable[[], None]], seconds: float) -> tuple[list[float], float]:
    """Call each lane again and again, all at once, for so long; return what each call and the whole took."""
    began = time.perf_counter()

    def run(lane: Callable[[], None]) -> list[float]:
        times: list[float] = []
        while not times or time.perf_counter() - began < seconds:
            start = time.perf_counter()
            lane()
            times.append(time.perf_counter() - start)
        return times

    with ThreadPoolExecutor(len(lanes)) as pool:
        times = [each for lane in pool.map(run, lanes) for each in lane]
    return times, time.perf_counter() - began


def chromium(html: str, lanes: int, seconds: float) -> Figures | None:
    """Print through DevTools, in a tab for each lane that has printed the document before; None without Chromium."""
    if CHROMIUM is None:
        return None
    with _browser(CHROMIUM) as (process, port):
        tabs = [_Tab(port) for _ in range(lanes)]
        prints: list[Callable[[], None]] = [lambda tab=tab: tab.print(html) for tab in tabs]  # type: ignore[misc]
        for each in prints:
            each()
        times, whole = in_turns(prints, seconds)
        memory = sum(map(pss_mb, family(process.pid))) / lanes
        for tab in tabs:
            tab.close()
    return figures(times, whole, memory)


def command_line(command: list[str], html: str, lanes: int, seconds: float) -> Figures:
    """Run a command that takes an HTML file and a name for the PDF, a process for each document."""
    memory = [0.0]
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory) / "document.html"
        source.write_text(html)

        def lane(number: int) -> Callable[[], None]:
            target = Path(directory) / f"{number}.pdf"

            def run() -> None:
                process = subprocess.Popen(
                    [*command, str(source), str(target)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                memory[0] = max(memory[0], usage.ru_maxrss / 1024)
                assert target.read_bytes().startswith(b"%PDF-")

            return run

        times, whole = in_turns([lane(number) for number in range(lanes)], seconds)
    return figures(times, whole, memory[0])


def family(pid: int) -> list[int]:
    """Return a process and all that came of it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def pss_mb(pid: int) -> float:
    """Return what a process has in memory, with its part of what it shares."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


class _Tab:
    """One tab, by the DevTools protocol."""

    def __init__(self, port: int) -> None:
        from websockets.sync.client import connect

        request = urllib.request.Request(f"http://127.0.0.1:{port}/json/new?about:blank", method="PUT")
        with urllib.request.urlopen(request) as answer:  # noqa: S310  # our own browser
            url = json.load(answer)["webSocketDebuggerUrl"]
        self._socket = connect(url, max_size=None, compression=None, proxy=None)
        self._number = 0
        self._frame = self._ask("Page.getFrameTree")["frameTree"]["frame"]["id"]

    def print(self, html: str) -> None:
        """Load the document, wait for its fonts, print it."""
        self._ask("Page.setDocumentContent", frameId=self._frame, html=html)
        self._ask("Runtime.evaluate", expression="document.fonts.ready.then(() => 1)", awaitPromise=True)
        assert base64.b64decode(self._ask("Page.printToPDF", **_PRINT)["data"]).startswith(b"%PDF-")

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=120))
            if answer.get("id") == self._number:
                assert "result" in answer, answer
                result: dict[str, Any] = answer["result"]
                return result


@contextmanager
def _browser(path: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-extensions", "--remote-debugging-port=0"]
        command = [path, *options, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            told = Path(profile) / "DevToolsActivePort"
            deadline = time.monotonic() + 60
            while not told.exists() or not told.read_text().strip():
                assert time.monotonic() < deadline, "Chromium does not start"
                time.sleep(0.05)
            yield process, int(told.read_text().split()[0])
        finally:
            process.terminate()
            process.wait(30)
