"""How long a job waits before it is tried again."""

from __future__ import annotations

import random
from datetime import timedelta

BASE_SECONDS = 1.0
CAP_SECONDS = 300.0


def retry_delay(attempt: int) -> timedelta:
    """Return the wait after attempt number `attempt` (from 1): exponential, capped, half of it jitter.

    "Equal jitter" of the AWS Architecture Blog's "Exponential Backoff And Jitter": jobs that failed together do not all
    come back together, and none comes back at once.
    """
    ceiling = min(CAP_SECONDS, BASE_SECONDS * 2 ** (attempt - 1))
    return timedelta(seconds=ceiling / 2 + random.uniform(0, ceiling / 2))  # noqa: S311  # not for secrets
