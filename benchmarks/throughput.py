"""How much of the bare engine's speed is left in the service, and how fast it answers. See benchmarks/README.md."""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a script, Python finds only what lies beside it

import httpx  # noqa: E402  # see above

from templates_app.renderer.contracts import Asset, Engine, Language, RenderSpec  # noqa: E402  # see above
from templates_app.renderer.sandbox import Sandbox  # noqa: E402  # see above
from tests.processes.places import Place  # noqa: E402  # see above
from tests.processes.service import Service  # noqa: E402  # see above

INVOICE = ROOT / "templates_app" / "samples" / "invoice"
SAMPLE: dict[str, Any] = json.loads((INVOICE / "sample.json").read_text())
CALLERS = 100
JOBS_SECONDS = 300.0
# WeasyPrint takes some thirty times as long for a document: fewer of them measure as well.
SHARE = {Engine.PLUTOBOOK: 1.0, Engine.WEASYPRINT: 0.2}


@dataclass(frozen=True)
class Rates:
    """Documents per second."""

    engine: float
    renderer: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=400, help="documents for each measurement on the fast engine")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that render")
    options = parser.parse_args()
    if not 20 <= options.jobs <= 20_000:
        parser.error("--jobs must lie between 20 and 20000")
    workers: int = options.workers
    _say(f"{workers} processes render; the sample invoice; documents per second in parentheses\n")
    with tempfile.TemporaryDirectory(prefix="pdfservice-benchmark-") as directory:
        counts = {engine: max(workers, round(options.jobs * share)) for engine, share in SHARE.items()}
        bare = {engine: _measure_bare(engine, counts[engine], workers, Path(directory)) for engine in Engine}
        for engine, rates in bare.items():
            _say(f"{engine:<10} confined renderer / bare engine   {_ratio(rates.renderer, rates.engine)}")
        for name, place in _places(Path(directory)):
            _measure_profile(name, place, bare, counts, workers)


def _places(directory: Path) -> Iterator[tuple[str, Place]]:
    (directory / "embedded").mkdir()
    yield "embedded", Place("", "", directory / "embedded")
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        (directory / "scaled").mkdir()
        yield "PostgreSQL + Redis", Place(os.environ["DATABASE_URL"], os.environ["REDIS_URL"], directory / "scaled")
    else:
        _say("\nPostgreSQL + Redis: left out, DATABASE_URL and REDIS_URL are not set")


# --- The service ------------------------------------------------------------------------------------------------------
def _measure_profile(
    name: str, place: Place, bare: dict[Engine, Rates], counts: dict[Engine, int], workers: int
) -> None:
    _say(f"\n{name}")
    with place.seed() as seed:
        for engine, rates in bare.items():
            with running(place, seed, workers) as service:
                backlog = _work_off_backlog(service, engine, counts[engine], workers)
                through = _carry_through(service, engine, counts[engine])
            _say(f"{engine:<10} workers on a backlog / bare engine {_ratio(backlog, rates.engine)}")
            _say(f"{engine:<10} POST to done / bare engine         {_ratio(through, rates.engine)}")
        with running(place, seed, workers) as service:
            service.start("work")
            service.wait_until_ready(workers=workers)
            answers = submit_at_once(service)
    milliseconds = sorted(answers)
    _say(
        f"{CALLERS} simultaneous POST /pdf/generate, all 202: "
        f"p50 {milliseconds[CALLERS // 2]:.0f} ms, p99 {milliseconds[CALLERS * 99 // 100 - 1]:.0f} ms, "
        f"max {milliseconds[-1]:.0f} ms"
    )


@contextmanager
def running(place: Place, seed: Service, workers: int, **variables: str) -> Iterator[Service]:
    """Yield a service whose web process and maintenance run, without workers."""
    # One key sends all that a machine can: no limit is to be measured.
    limits = {"REQUESTS_PER_MINUTE": "10000000", "MAX_QUEUED": "100000"}
    with place.service(seed, WORKERS=str(workers), LEASE_SECONDS="30", **limits, **variables) as service:
        service.start("web", "maintain")
        service.wait_until_ready(workers=0)
        yield service


def _wait_until_done(service: Service, count: int) -> None:
    """Look four times a second: what measures more often takes a core away from what is measured."""
    deadline = time.monotonic() + JOBS_SECONDS
    while service.query("SELECT count(*) FROM jobs_app_job WHERE status = 'done'") != [(count,)]:
        assert time.monotonic() < deadline, "the jobs are not done in time"
        time.sleep(0.25)


def _work_off_backlog(service: Service, engine: Engine, count: int, workers: int) -> float:
    """Return the rate at which warm workers make `count` documents that wait: from first claim to last commit."""
    service.submit(count, template=f"invoice-{engine.value}", payload=SAMPLE)
    service.start("work")
    service.wait_until_ready(workers=workers)
    _wait_until_done(service, count)
    [(first, last)] = service.query("SELECT min(started_at), max(finished_at) FROM jobs_app_job")
    return count / _seconds_between(first, last)


def _carry_through(service: Service, engine: Engine, count: int) -> float:
    """Return the rate of callers and workers on the same cores: from the first request to the last commit."""
    service.submit(count, template=f"invoice-{engine.value}", payload=SAMPLE)
    _wait_until_done(service, 2 * count)  # with those of the backlog
    rows = service.query("SELECT queued_at, finished_at FROM jobs_app_job ORDER BY id")[count:]
    return count / _seconds_between(min(row[0] for row in rows), max(row[1] for row in rows))


def submit_at_once(service: Service) -> list[float]:
    """Return the milliseconds that each of a hundred callers waited for the answer, on connections open before."""
    ready = threading.Barrier(CALLERS)
    headers = {"Authorization": f"Bearer {service.key}"}

    def call(number: int) -> float:
        body = {"template": "invoice-plutobook", "payload": {**SAMPLE, "number": f"caller {number}"}}
        with httpx.Client(base_url=service.base, headers=headers, timeout=60, trust_env=False) as client:
            client.get("/healthz")
            ready.wait()
            began = time.perf_counter()
            answer = client.post("/pdf/generate", json=body)
            assert answer.status_code == 202, answer.text
            return (time.perf_counter() - began) * 1000

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(call, range(CALLERS)))


def _seconds_between(first: Any, last: Any) -> float:
    # SQLite gives text.
    moments = [datetime.fromisoformat(value) if isinstance(value, str) else value for value in (first, last)]
    return float((moments[1] - moments[0]).total_seconds())


# --- Without the service ----------------------------------------------------------------------------------------------
def _measure_bare(engine: Engine, count: int, workers: int, directory: Path) -> Rates:
    rates = []
    for prepare in (prepare_engine, partial(_prepare_renderer, str(directory / "scratch"))):
        context = multiprocessing.get_context("spawn")
        barrier = context.Barrier(workers + 1)
        with ProcessPoolExecutor(workers, context, initializer=_set_barrier, initargs=(barrier,)) as pool:
            share = -(-count // workers)
            loops = [pool.submit(_loop, prepare, engine.value, share) for _ in range(workers)]
            barrier.wait(60)
            began = time.monotonic()
            for loop in loops:
                loop.result(JOBS_SECONDS)
            rates.append(share * workers / (time.monotonic() - began))
    return Rates(*rates)


_barrier: Any = None


def _set_barrier(barrier: Any) -> None:
    global _barrier  # noqa: PLW0603  # a pool hands a barrier over in no other way
    _barrier = barrier


def _loop(prepare: Callable[[ExitStack], Callable[[RenderSpec], object]], engine: str, count: int) -> None:
    spec = sample_spec(Engine(engine))
    with ExitStack() as stack:
        render = prepare(stack)
        render(spec)
        _barrier.wait(60)
        for _ in range(count):
            render(spec)


def prepare_engine(_: ExitStack) -> Callable[[RenderSpec], object]:
    """Return what prints a spec with its engine and does nothing else."""
    from templates_app.renderer.author_style import with_author_style
    from templates_app.renderer.engines import ENGINES
    from templates_app.renderer.languages import LANGUAGES
    from templates_app.renderer.resources import Resources

    def render(spec: RenderSpec) -> bytes:
        # From filled template to PDF and nothing else; what it leaves behind is collected as Python sees fit.
        if not filled:
            filled.append(with_author_style(LANGUAGES[spec.language](spec), spec.css_source))
        pdf = ENGINES[spec.engine].render(filled[0], Resources(spec.assets))
        gc.enable()
        return pdf

    filled: list[str] = []
    return render


def _prepare_renderer(scratch: str, stack: ExitStack) -> Callable[[RenderSpec], object]:
    sandbox = stack.enter_context(Sandbox(scratch_root=Path(scratch)))
    return partial(sandbox.render, tenant="benchmark")


def sample_spec(engine: Engine) -> RenderSpec:
    assets = [
        Asset(name, kind, (INVOICE / "assets" / name).read_bytes())
        for name, kind in (
            ("Inter-Regular.ttf", "font/ttf"),
            ("Inter-SemiBold.ttf", "font/ttf"),
            ("logo.svg", "image/svg+xml"),
        )
    ]
    return RenderSpec(
        language=Language.JINJA2,
        engine=engine,
        html_source=(INVOICE / "template.html").read_text(),
        css_source=(INVOICE / "style.css").read_text(),
        payload=json.dumps(SAMPLE).encode(),
        assets=tuple(assets),
        created_at="2026-01-02T03:04:05Z",
    )


def _say(text: str) -> None:
    print(text, flush=True)


def _ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:5.2f}   ({ours:.1f} / {theirs:.1f})"


if __name__ == "__main__":
    main()
