"""A month's end of ten thousand invoices: the dashboard's own simulation, in a browser without a window.

The browser opens the dashboard of a running service, signs in and starts the month-end spike, as an operator would:
batches, refusals and the verdict are its own (static/pdfservice/dashboard/spike.js). What it says is then compared with
the rows of the database. With DATABASE_URL and REDIS_URL set the service runs on PostgreSQL and Redis.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page, sync_playwright  # noqa: E402  # the path above first

from tests.browser.conftest import ARGUMENTS, CHROMIUM, sign_in  # noqa: E402
from tests.browser.spikes import check_rows, limit_queue, start_spike, verdict_of  # noqa: E402
from tests.processes.places import Place  # noqa: E402
from tests.processes.service import Service  # noqa: E402

SECONDS = 3_600.0


def main() -> None:
    """Run it and print what was seen."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as directory:
        place = Place(os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", ""), Path(directory))
        with place.seed() as seed, place.service(seed, WORKERS=str(arguments.workers)) as service:
            limit_queue(service, arguments.max_queued)
            service.start("web", "work", "maintain")
            service.wait_until_ready(workers=arguments.workers)
            result = _run(service, arguments)
            check_rows(service, result)
    _say(result, arguments)


def _run(service: Service, arguments: argparse.Namespace) -> dict[str, Any]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page: Page = chromium.new_context(base_url=service.base, viewport={"width": 1280, "height": 1200}).new_page()
        sign_in(page, "oscar")
        page.goto("/dashboard/")
        start_spike(page, arguments.template, arguments.documents)
        result = verdict_of(page, seconds=SECONDS)
        if arguments.picture:
            page.screenshot(path=arguments.picture)
        chromium.close()
    return result


def _say(result: dict[str, Any], arguments: argparse.Namespace) -> None:
    profile = "PostgreSQL + Redis" if os.environ.get("DATABASE_URL") else "embedded"
    print(f"{arguments.documents} invoices ({arguments.template}), {arguments.workers} workers, {profile}")
    print(f"the team's queue holds {arguments.max_queued}; at most {result['deepest']} were seen waiting")
    for name in ("accepted", "done", "failed", "lost", "doubled", "wrong", "refused", "repeated"):
        print(f"{name:>10} {result[name]:>7}")
    print(f"    urgent {result['urgent']:>7}   median {result['urgent_median_ms']} ms, lost {result['urgent_lost']}")
    print(f"      time {result['seconds']:>7} s, {result['per_second']} documents a second")
    print(json.dumps(result))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--template", default="invoice-plutobook")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--max-queued", type=int, default=3_000)
    parser.add_argument("--picture", help="where to keep a picture of the end")
    return parser.parse_args()


if __name__ == "__main__":
    main()
