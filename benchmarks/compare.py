"""The same documents by every renderer in one run: documents per second, latency, memory. See benchmarks/README.md."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from documents import ROOT, Document, documents
from report import write_report
from rivals import CHROMIUM, WEASYPRINT, WKHTMLTOPDF, Figures, chromium, command_line, family, figures, pss_mb
from throughput import prepare_engine, running, submit_at_once

from templates_app.renderer.contracts import Engine
from tests.processes.places import Place
from tests.processes.service import Service

RESULTS = ROOT / "benchmarks" / "results.json"
_IDLE_LEAST, _IDLE_MOST = 5, 40


def main() -> None:
    """Measure, print, and with `--write` put it into docs/performance.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="for each measurement")
    parser.add_argument(
        "--rounds", type=int, default=3, help="how often service and bare engines are measured in turns"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="renderers of a kind at once")
    parser.add_argument("--only", choices=[each.name for each in documents()], help="leave the other documents out")
    parser.add_argument("--write", action="store_true", help="write results.json, the plot and docs/performance.md")
    options = parser.parse_args()
    if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
        parser.error("set DATABASE_URL and REDIS_URL: the service is measured on PostgreSQL and Redis")
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds must be 1 or more, and --seconds above 0")
    results: dict[str, Any] = {
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "workers": options.workers,
        "seconds": options.seconds,
        "rounds": options.rounds,
        "load_before": round(os.getloadavg()[0], 1),
        "figures": {},
        "notes": [] if CHROMIUM else ["Chromium is not installed: left out"],
    }
    chosen = [each for each in documents() if options.only in {None, each.name}]
    for document in chosen:
        results["figures"][document.name] = _command_lines(document, options.workers, options.seconds, results)
    with tempfile.TemporaryDirectory(prefix="pdfservice-compare-") as directory:
        _measure_service(Path(directory), chosen, options, results)
    results["load_after"] = round(os.getloadavg()[0], 1)
    print(json.dumps(results, indent=1))
    if options.write:
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
        write_report(results)


def _command_lines(document: Document, lanes: int, seconds: float, results: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    html = document.html()
    for name, command in (("wkhtmltopdf", WKHTMLTOPDF), ("weasyprint command line", str(WEASYPRINT))):
        if command:
            found[name] = asdict(command_line([command, "-q"], html, lanes, seconds))
            _show(document, name, found[name])
        else:
            results["notes"].append(f"{name} is not installed: left out")
    return found


def _show(document: Document, name: str, measured: dict[str, Any]) -> None:
    rate, middle = measured["per_second"], measured["p50_ms"]
    print(f"{document.name:<9} {name:<24} {rate:8.2f}/s  p50 {middle:8.1f} ms", flush=True)


# --- The engines alone ------------------------------------------------------------------------------------------------
def _bare(document: Document, engine: Engine, lanes: int, seconds: float) -> Figures:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(lanes, context) as pool:
        loops = [pool.submit(_loop, document, engine.value, seconds) for _ in range(lanes)]
        parts = [loop.result() for loop in loops]
    times = [each for part in parts for each in part[0]]
    # Each loop has its own beginning and end: the rates add up.
    rate = sum(len(part[0]) / part[1] for part in parts)
    return figures(times, len(times) / rate, max(part[2] for part in parts))


def _loop(document: Document, engine: str, seconds: float) -> tuple[list[float], float, float]:
    render = prepare_engine(ExitStack())
    spec = document.spec(Engine(engine))
    render(spec)
    times: list[float] = []
    began = time.perf_counter()
    while not times or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        render(spec)
        times.append(time.perf_counter() - start)
    return times, time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# --- The service ------------------------------------------------------------------------------------------------------
def _measure_service(
    directory: Path, chosen: list[Document], options: argparse.Namespace, results: dict[str, Any]
) -> None:
    place = Place(os.environ["DATABASE_URL"], os.environ["REDIS_URL"], directory)
    with place.seed() as seed, running(place, seed, options.workers, RENDER_TIMEOUT="120") as service:
        service.start("work")
        service.wait_until_ready(workers=options.workers)
        for document in chosen:
            measured = results["figures"][document.name]
            for engine in Engine:
                rounds = [_round(service, document, engine, options) for _ in range(options.rounds)]
                for name in dict.fromkeys(name for each in rounds for name in each):
                    measured[name] = _middle([each[name] for each in rounds])
                    _show(document, name, measured[name])
                own = f"service, {engine.value}"
                measured[own]["against_bare_each"] = sorted(each[own]["against_bare"] for each in rounds)
        answers = sorted(submit_at_once(service))
        results["hundred_at_once_ms"] = {"p50": answers[49], "p99": answers[98], "max": answers[-1]}


def _round(service: Service, document: Document, engine: Engine, options: argparse.Namespace) -> dict[str, Any]:
    """Measure the service with an engine, and right before it what it is compared with.

    What these machines do beside it changes within minutes: what is measured together may be compared.
    """
    ask = _asker(service, document, engine)
    for _ in range(2 * options.workers):  # every worker's child has seen the template
        ask(wait=True)
    service.stop("work")
    bare = _bare(document, engine, options.workers, options.seconds)
    found = {f"bare {engine.value}": asdict(bare)}
    against = {"bare": bare.per_second}
    if engine is Engine.PLUTOBOOK and (browser := chromium(document.html(), options.workers, options.seconds)):
        found["chromium, warm tab"] = asdict(browser)
        against["chromium"] = browser.per_second
    own = _backlog(service, ask, round(bare.per_second * options.seconds * 0.6), options.workers)
    found[f"service, {engine.value}"] = {
        **asdict(own),
        **{f"against_{name}": own.per_second / rate for name, rate in against.items()},
        **_idle(ask, bare, options.seconds),
    }
    return found


def _middle(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure."""
    return {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}


def _asker(service: Service, document: Document, engine: Engine) -> Callable[..., dict[str, Any]]:
    body = {"template": f"{document.template}-{engine.value}", "payload": document.payload, "dedup": False}

    def ask(*, wait: bool = False) -> dict[str, Any]:
        answer = service.http.post("/pdf/generate", json=body, headers={"Prefer": "wait=25"} if wait else {})
        assert answer.status_code == 202, answer.text
        shown: dict[str, Any] = answer.json()
        while wait and shown["status"] in {"queued", "processing"}:  # longer than a request may wait
            time.sleep(0.2)
            shown = service.http.get(f"/pdf/jobs/{shown['id']}").json()
        assert not wait or shown["status"] == "done", shown
        return shown

    return ask


def _backlog(service: Service, ask: Callable[..., dict[str, Any]], count: int, workers: int) -> Figures:
    """Return the rate of workers that have enough to do: of each from a claim to its last commit, added up.

    `work` does not run when this begins, and does when it ends.
    """
    count = max(5 * workers, count)
    [(last_id,)] = service.query("SELECT max(id) FROM jobs_app_job")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ask(), range(count)))
    service.start("work")
    done = f"SELECT count(*) FROM jobs_app_job WHERE id > {last_id} AND status = 'done'"  # noqa: S608  # our number
    while service.query(done) != [(count,)]:  # seldom: what looks takes a core away from what is measured
        time.sleep(0.25)
    joined = "jobs_app_job j JOIN jobs_app_jobattempt a ON a.job_id = j.id"
    rows = service.query(
        f"SELECT a.worker, j.started_at, j.finished_at FROM {joined} WHERE j.id > {last_id} ORDER BY j.started_at"  # noqa: S608
    )
    by_worker: dict[str, list[tuple[datetime, datetime]]] = {}
    for worker, started, finished in rows:
        by_worker.setdefault(worker, []).append((started, finished))
    # The first of each worker pays for its start. Each has its own end, as the loops of the bare engines have.
    lanes = [each[1:] for each in by_worker.values() if len(each) > 2]
    times = [(finished - started).total_seconds() for lane in lanes for started, finished in lane]
    rate = sum(len(lane) / (lane[-1][1] - lane[0][0]).total_seconds() for lane in lanes)
    memory = sum(map(pss_mb, family(service.running["work"].pid))) / workers
    return figures(times, len(times) / rate, memory)


def _idle(ask: Callable[..., dict[str, Any]], bare: Figures, seconds: float) -> dict[str, float]:
    """Return how long a caller waits for a lone document, from the request to the answer that it is done."""
    for _ in range(3):
        ask(wait=True)
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < _IDLE_LEAST or (len(times) < _IDLE_MOST and time.perf_counter() - began < seconds):
        start = time.perf_counter()
        ask(wait=True)
        times.append((time.perf_counter() - start) * 1000)
    middle = statistics.median(times)
    return {"alone_ms": middle, "alone_over_bare_ms": middle - bare.p50_ms}


if __name__ == "__main__":
    main()
