"""The text that Prometheus reads: counters from the database, and what waits and runs at this moment."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from jobs_app.metrics.live import live_gauges
from jobs_app.metrics.names import BEYOND, BUCKET, SPREADS, SUM, TOTALS, Spread, Total, label_text
from jobs_app.models import Counter

_KEEP_SECONDS = 1.0
# A name, and its labels as the database keeps them.
Counted = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class _Page:
    text: bytes
    made_at: float


def exposition() -> bytes:
    """Return the text, at most a second old. Raises a database error."""
    global _page  # noqa: PLW0603  # one page for all threads of this process
    with _lock:
        if _page is None or time.monotonic() - _page.made_at > _KEEP_SECONDS:
            _page = _Page(generate_latest(_registry), time.monotonic())
        return _page.text


def forget() -> None:
    """Make the next reader ask the database again."""
    global _page  # noqa: PLW0603
    with _lock:
        _page = None


class _Everything(Collector):
    def collect(self) -> Iterator[Metric]:
        counted: Counted = {}
        for name, labels, value in Counter.objects.values_list("name", "labels", "value"):
            counted.setdefault(name, {})[labels] = value
        yield from live_gauges()
        for total in TOTALS:
            yield _family(total, counted.get(total.name, {}))
        for spread in SPREADS:
            yield _histogram(spread, counted)


def _family(total: Total, counted: dict[str, int]) -> Metric:
    family = CounterMetricFamily(total.name, total.help, labels=total.labels)
    if not total.labels:
        counted = counted or {label_text({}): 0}
    for labels, value in sorted(counted.items()):
        of = json.loads(labels)
        family.add_metric([of[label] for label in total.labels], value)
    return family


def _histogram(spread: Spread, counted: Counted) -> Metric:
    family = HistogramMetricFamily(spread.name, spread.help, labels=spread.labels)
    buckets = counted.get(spread.name + BUCKET, {})
    for labels, total in sorted(counted.get(spread.name + SUM, {}).items()):
        of = json.loads(labels)
        so_far, steps = 0, []
        for bound in (*map(str, spread.bounds), BEYOND):
            so_far += buckets.get(label_text({**of, "le": bound}), 0)
            steps.append((bound if bound == BEYOND else str(int(bound) / spread.scale), float(so_far)))
        family.add_metric([of[label] for label in spread.labels], steps, total / spread.scale)
    return family


# Not described at registration: that would read the database at import.
_registry = CollectorRegistry(auto_describe=False)
_registry.register(_Everything())
_lock = threading.Lock()
_page: _Page | None = None
