"""`python -m tests.processes.chaos`: the full form of the suite; docs/operations.md says what it does.

It makes databases of its own on the servers of DATABASE_URL and REDIS_URL, and drops them.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.processes.chaos.run import Report, Settings, run
from tests.processes.places import Place


def main() -> int:
    """Run it, print the figures, return 0 if every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.processes.chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000, help="requests that callers send")
    parser.add_argument("--kills", type=int, default=30, help="processes that are killed; a flush and a cut per ten")
    parser.add_argument("--seed", type=int, help="the same seed sends the same and strikes in the same order")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--outage", type=float, default=20.0, help="seconds for which storage refuses; 0: not at all")
    parser.add_argument("--compare", action="store_true", help="run the same in peace too, and print the ratio")
    parser.add_argument("--log", type=Path, help="where to keep what the service wrote")
    options = parser.parse_args()
    if not 1 <= options.jobs <= 1_000_000 or not 0 <= options.kills <= 10_000 or not 1 <= options.workers <= 64:
        parser.error("--jobs, --kills or --workers make no sense")
    server, broker = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
    if not server.startswith("postgres") or not broker:
        parser.error("DATABASE_URL must name a PostgreSQL server and REDIS_URL a Redis server")
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    settings = Settings(options.jobs, options.kills, seed, options.outage, options.workers)
    report = _run(server, broker, settings)
    _say(str(report))
    if options.log:
        options.log.write_text(report.log)
    if options.compare:
        peace = _run(server, broker, Settings(options.jobs, 0, seed, 0.0, options.workers))
        _say(f"\nin peace {peace.seconds:.0f} s; chaos / peace {report.seconds / peace.seconds:.2f}")
    return 1 if report.faults else 0


def _run(server: str, broker: str, settings: Settings) -> Report:
    with tempfile.TemporaryDirectory(prefix="pdfservice-chaos-") as directory:
        return run(Place(server, broker, Path(directory)), settings, say=_say_when)


def _say_when(text: str) -> None:
    _say(f"{time.strftime('%H:%M:%S')} {text}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
