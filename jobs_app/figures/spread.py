"""How durations are spread, in few numbers: counts by bins that grow by 10 %."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

# How often each bin was hit; the keys are texts because JSON knows no others.
Spread = dict[str, int]

_GROWTH = math.log(1.1)
_LONGEST_MS = 86_400_000


def observe(spread: Spread, milliseconds: int) -> None:
    """Count one duration."""
    bounded = min(max(milliseconds, 0), _LONGEST_MS)
    name = str(round(math.log(bounded + 1) / _GROWTH))
    spread[name] = spread.get(name, 0) + 1


def merge(spreads: Iterable[Mapping[str, int]]) -> Spread:
    """Return the sum of several."""
    total: Spread = {}
    for spread in spreads:
        for name, count in spread.items():
            total[name] = total.get(name, 0) + count
    return total


def quantile(spread: Mapping[str, int], share: float) -> int | None:
    """Return the duration (ms, within 5 %) below which `share` of all lie; None where nothing was counted."""
    wanted = share * sum(spread.values())
    so_far = 0
    for number, count in sorted((int(name), count) for name, count in spread.items()):
        so_far += count
        if so_far >= wanted:
            return round(math.exp(number * _GROWTH) - 1)
    return None
