"""Plays a caller of the service from first start to a spent link; exits 0 only if everything happened as it should."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA_DIR = ROOT / "var" / "demo"
START_SECONDS = 120
JOB_SECONDS = 60
STOP_SECONDS = 40


class DemoFailed(Exception):
    """Something did not happen; the message says what."""


def main() -> int:
    """Run the demo."""
    shutil.rmtree(DATA_DIR, ignore_errors=True)
    DATA_DIR.mkdir(parents=True)
    port = _free_port()
    log = DATA_DIR / "service.log"
    # The embedded profile, whatever this shell is set up for.
    foreign = ("DATABASE_URL", "REDIS_URL", "S3_BUCKET", "SECRET_KEY", "PUBLIC_URL", "HOST")
    inherited = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in foreign}
    environment = {**inherited, "DATA_DIR": str(DATA_DIR), "PORT": str(port)}
    with log.open("wb") as output:
        service = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "serve"], stdout=output, stderr=output, env=environment
        )
    family: set[tuple[int, str]] = set()
    try:
        _play(service, f"http://localhost:{port}", log)
        family = _descendants(service.pid)
    except (DemoFailed, urllib.error.URLError, OSError) as error:
        say(f"FAILED: {error}")
        say(f"what the service wrote: {log}")
        return 1
    finally:
        _stop(service)
    left = [pid for pid, born in family if _birth(pid) == born]
    if left:
        say(f"FAILED: processes left behind: {left}")
        return 1
    say(f"stopped the service; none of its {len(family) + 1} processes is left")
    return 0


def _play(service: subprocess.Popen[bytes], base: str, log: Path) -> None:
    key = _first_key(service, log)
    _until(lambda: _status(f"{base}/readyz") == 200, START_SECONDS, "the service to be ready", service)
    say(f"started the service on {base}")

    sample = ROOT / "templates_app" / "samples" / "invoice" / "sample.json"
    body = {"template": "invoice", "payload": json.loads(sample.read_text()), "options": {"filename": "invoice.pdf"}}
    status, job = _call("POST", f"{base}/pdf/generate", key, body)
    _expect(status, 202, "submitting the invoice")
    say(f"submitted the sample invoice: job {job['id']} is {job['status']}")

    def finished() -> bool:
        job.update(_call("GET", job["status_url"], key)[1])
        return job["status"] not in {"queued", "processing"}

    _until(finished, JOB_SECONDS, "the job to end", service)
    if job["status"] != "done":
        raise DemoFailed(f"the job is {job['status']}: {job['error']}")
    took = job["timings"]
    say(f"the job is done: {job['page_count']} page(s), waited {took['queue_ms']} ms, total {took['total_ms']} ms")

    status, link = _call("POST", f"{base}/pdf/jobs/{job['id']}/links", key, {"ttl_seconds": 900, "max_uses": 1})
    _expect(status, 201, "making a link")
    say(f"made a link that works once: {link['url'][: len(base) + 11]}…")

    with urllib.request.urlopen(link["download_url"]) as answer:
        pdf: bytes = answer.read()
    if not pdf.startswith(b"%PDF-") or len(pdf) != job["output_size_bytes"]:
        raise DemoFailed("the download is not the PDF that was made")
    target = DATA_DIR / "invoice.pdf"
    target.write_bytes(pdf)
    say(f"downloaded {len(pdf)} bytes through the link")
    _expect(_status(link["download_url"]), 410, "a second download")
    say("a second download answers 410 Gone: the link is spent")
    say(f"the invoice lies in {target}")


def say(text: str) -> None:
    """Print one step."""
    sys.stdout.write(f"demo: {text}\n")
    sys.stdout.flush()


def _first_key(service: subprocess.Popen[bytes], log: Path) -> str:
    found: list[str] = []

    def look() -> bool:
        found[:] = re.findall(r"API key\s+(pdf_\S+)", log.read_text(errors="replace"))
        return bool(found)

    _until(look, START_SECONDS, "the service to print its first API key", service)
    return found[0]


def _until(condition: Any, seconds: float, what: str, service: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if service.poll() is not None:
            raise DemoFailed(f"the service ended with status {service.returncode} while we waited for {what}")
        if time.monotonic() > deadline:
            raise DemoFailed(f"waited {seconds} s for {what}")
        time.sleep(0.05)


def _call(method: str, url: str, key: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def _expect(status: int, wanted: int, what: str) -> None:
    if status != wanted:
        raise DemoFailed(f"{what} answered {status}, not {wanted}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _stop(service: subprocess.Popen[bytes]) -> None:
    if service.poll() is None:
        service.send_signal(signal.SIGTERM)
    try:
        service.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        service.kill()
        service.wait()


def _birth(pid: int) -> str | None:
    """Return when a process was born, in clock ticks, since an id may be given out again; None for one that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _descendants(root: int) -> set[tuple[int, str]]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found: set[tuple[int, str]] = set()
    line = [root]
    while line:
        for pid in children.get(line.pop(), []):
            line.append(pid)
            if born := _birth(pid):
                found.add((pid, born))
    return found


if __name__ == "__main__":
    sys.exit(main())
