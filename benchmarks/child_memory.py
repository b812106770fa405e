"""What two thousand documents leave behind in a renderer child, in the process that drives it, and in a whole worker.

    python benchmarks/child_memory.py [--documents 2000] [--engine plutobook] [--worker]

Prints the memory of one child, which is never replaced, after so many documents, and how much it grew after the first
twentieth and in all. `--worker` measures the worker of a running service on the embedded profile instead, its children
replaced as they are in production.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

from throughput import SAMPLE, sample_spec  # it also lets Python find what follows

from templates_app.renderer.contracts import Engine, RenderLimits
from templates_app.renderer.sandbox import Sandbox
from tests.processes.places import Place
from tests.processes.service import Service, until

# The first documents fill caches (fonts, parsed styles, Python's own pools); from the end of them on it has to be flat.
WARM_SHARE = 0.05
ROWS = 8


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=2000, help="how many each engine makes")
    parser.add_argument("--engine", type=Engine, choices=list(Engine), help="default: both")
    parser.add_argument("--worker", action="store_true", help="measure a worker of a running service")
    options = parser.parse_args()
    if not 40 <= options.documents <= 1_000_000:
        parser.error("--documents must lie between 40 and 1000000")
    engines = [options.engine] if options.engine else list(Engine)
    for engine in engines:
        with tempfile.TemporaryDirectory(prefix="pdfservice-benchmark-") as directory:
            measure = _worker if options.worker else _child
            _print_curve(engine, measure(engine, options.documents, Path(directory)))


def _stops(documents: int) -> list[int]:
    """Return after how many documents to look: at the first, the end of the warm-up, and in even steps from there."""
    warm = max(2, round(documents * WARM_SHARE))
    return [1, warm, *(warm + round((documents - warm) * step / ROWS) for step in range(1, ROWS + 1))]


def _child(engine: Engine, documents: int, directory: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield (documents made, memory in MB) of one child that serves all of them, and of this process."""
    limits = RenderLimits(child_max_documents=documents + 1, child_max_growth_mb=1 << 16)
    with Sandbox(scratch_root=directory, limits=limits) as sandbox:
        spec = sample_spec(engine)
        for done, stop in pairwise([0, *_stops(documents)]):
            for _ in range(stop - done):
                sandbox.render(spec, tenant="benchmark")
            child = sandbox._nursery.child_for("benchmark")
            assert child.documents == stop
            yield stop, {"child RSS": _rss(child.pid), "child own": _own(child.pid), "parent RSS": _rss("self")}


def _worker(engine: Engine, documents: int, directory: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield (documents made, memory in MB) of a service's only worker, its zygote and its child."""
    place = Place("", "", directory)
    with place.seed() as seed, place.service(seed, WORKERS="1") as service:
        service.start("web", "work", "maintain")
        service.wait_until_ready(workers=1)
        for done, stop in pairwise([0, *_stops(documents)]):
            service.submit(stop - done, template=f"invoice-{engine.value}", payload=SAMPLE)
            until(partial(_is_done, service, stop), f"{stop} jobs are done", seconds=1800)
            [cluster] = service.clusters()
            yield (
                stop,
                {
                    "worker RSS": _rss(cluster.worker.pid),
                    "zygote RSS": _rss(cluster.zygote.pid),
                    "child RSS": sum(_rss(child.pid) for child in cluster.renderers),  # none while one is replaced
                    "pusher RSS": _rss(cluster.pusher.pid),
                    "web RSS": _rss(service.top("web").pid),
                },
            )


def _is_done(service: Service, count: int) -> bool:
    return service.query("SELECT count(*) FROM jobs_app_job WHERE status = 'done'") == [(count,)]


def _rss(pid: int | str) -> float:
    """Return what the process has resident, in MB."""
    return _sum(Path(f"/proc/{pid}/status"), "VmRSS:")


def _own(pid: int) -> float:
    """Return what the process has resident and shares with nobody, in MB: what it really costs."""
    return _sum(Path(f"/proc/{pid}/smaps_rollup"), "Private_Dirty:", "Private_Clean:")


def _sum(path: Path, *names: str) -> float:
    return sum(int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(names)) / 1024


def _print_curve(engine: Engine, curve: Iterator[tuple[int, dict[str, float]]]) -> None:
    print(f"\n{engine}, MB", flush=True)
    rows: list[dict[str, float]] = []
    for documents, memory in curve:
        if not rows:
            print(f"{'documents':>10}", *(f"{name:>11}" for name in memory))
        rows.append(memory)
        print(f"{documents:>10}", *(f"{value:>11.1f}" for value in memory.values()), flush=True)
    _print_growth("after warm", rows[1], rows[-1])
    _print_growth("in all", rows[0], rows[-1])


def _print_growth(name: str, first: dict[str, float], last: dict[str, float]) -> None:
    print(f"{name:>10}", *(f"{100 * (last[each] / first[each] - 1):>+10.1f}%" for each in first), flush=True)


if __name__ == "__main__":
    main()
