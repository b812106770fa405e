"""When a message that was not taken is sent again: soon at first, then for a day and more."""

from __future__ import annotations

import random
from datetime import timedelta

_MINUTE, _HOUR = 60, 3600
# The wait after each try, before jitter; 26 hours in all.
WAITS_SECONDS = (5, 30, 2 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, 10 * _HOUR)
MOST_ATTEMPTS = len(WAITS_SECONDS) + 1
_JITTER = 0.2
# What a receiver may ask for with Retry-After.
_LONGEST_WISH_SECONDS = 6 * _HOUR


def wait_after(attempt: int, *, retry_after_s: int | None = None) -> timedelta | None:
    """Return the wait after attempt number `attempt` (from 1), None when it was the last.

    A fifth up or down, so that messages which failed together do not come back together.
    """
    if attempt >= MOST_ATTEMPTS:
        return None
    wait = WAITS_SECONDS[attempt - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # not for secrets
    return timedelta(seconds=max(wait, min(retry_after_s or 0, _LONGEST_WISH_SECONDS)))
