"""What one event adds to which counter."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Mapping
from typing import Any

from jobs_app.metrics.names import (
    ATTEMPTS,
    BEYOND,
    BUCKET,
    DEAD_LETTERS,
    DEATHS,
    ENDED,
    LINKS,
    PEAKS,
    REDEMPTIONS,
    REFUSALS,
    RENDERED,
    REVIVED,
    STARTS,
    STORAGE_ERRORS,
    SUBMITTED,
    SUM,
    WAITED,
    Spread,
    Total,
    label_text,
)
from jobs_app.states import FINAL, Outcome

Sums = Tally[tuple[str, str]]

_OF_LINKS = {"link.created": LINKS, "link.redeemed": REDEMPTIONS, "link.refused": REFUSALS}
_ENDS = {f"job.{state.value}": state.value for state in FINAL}
_DEATHS = {"render_crash", "render_timeout", "render_memory"}


def add_event(sums: Sums, *, action: str, kind: str, data: Mapping[str, Any]) -> None:
    """Add what one event tells. `kind` is the job's, empty for an event of something else."""
    if action in _OF_LINKS:
        _add(sums, _OF_LINKS[action])
    if not kind:
        return
    if action == "job.queued":
        _add(sums, SUBMITTED, kind=kind)
    elif action == "job.revived":
        _add(sums, REVIVED, kind=kind)
    elif action == "job.processing":
        _observe(sums, WAITED, data.get("waited_ms"), kind=kind)
    if action in _ENDS:
        _add(sums, ENDED, kind=kind, state=_ENDS[action])
    if action == "job.failed":
        _add(sums, DEAD_LETTERS, code=str(data.get("code", "")))
    if "outcome" in data:
        _add_attempt(sums, kind, data)


def _add_attempt(sums: Sums, kind: str, data: Mapping[str, Any]) -> None:
    outcome, code = str(data["outcome"]), data.get("code")
    _add(sums, ATTEMPTS, kind=kind, outcome=outcome)
    _observe(sums, RENDERED, data.get("render_ms"), kind=kind)
    peak_kb = data.get("peak_memory_kb")
    _observe(sums, PEAKS, peak_kb * 1024 if isinstance(peak_kb, int) else None, kind=kind)
    if data.get("began_child") is True:
        _add(sums, STARTS, kind=kind)
    if code == "storage_error":
        _add(sums, STORAGE_ERRORS)
    if outcome == Outcome.LOST:
        _add(sums, DEATHS, cause="worker_lost")
    elif code in _DEATHS:
        _add(sums, DEATHS, cause=str(code))


def _add(sums: Sums, total: Total, **labels: str) -> None:
    sums[total.name, label_text(labels)] += 1


def _observe(sums: Sums, spread: Spread, value: object, **labels: str) -> None:
    if not isinstance(value, int):
        return
    place = bisect_left(spread.bounds, value)
    bound = str(spread.bounds[place]) if place < len(spread.bounds) else BEYOND
    sums[spread.name + BUCKET, label_text({**labels, "le": bound})] += 1
    sums[spread.name + SUM, label_text(labels)] += value
