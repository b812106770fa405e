"""How often somebody may call in a minute: counters in Redis, in this process where there is none or it is away.

A sliding window of two counters (the `limits` library), so that nobody may call twice as often around a full minute.
"""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

# Loaded now: limits would load it at the first call, and callers who come at the same moment would find half of it.
from redis import RedisError

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 60
_PREFIX = "pdfservice-rates"
# After a failure Redis is left alone for so long, so that callers do not wait for it one by one.
_REDIS_REST_SECONDS = 2.0
_resting_until = 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands after a call: `reset_seconds` until there is more room than now."""

    policy: str
    limit: int
    remaining: int
    reset_seconds: int
    is_within: bool


def charge(*, policy: str, who: str, per_minute: int) -> Standing:
    """Count one call of `who` under `policy` and return where they stand. A refused call takes nothing.

    Never raises for a Redis that is away: then each process counts for itself.
    """
    global _resting_until  # noqa: PLW0603  # one Redis a process
    if settings.REDIS_URL and time.monotonic() >= _resting_until:
        try:
            return _charge(_in_redis(settings.REDIS_URL), policy, who, per_minute)
        except RedisError as error:
            logger.warning("Redis is away, each web process counts its callers alone: %s", error)
            _resting_until = time.monotonic() + _REDIS_REST_SECONDS
    return _charge(_in_memory(), policy, who, per_minute)


def forget() -> None:
    """Forget all counts, here and in Redis. For tests."""
    _in_memory.cache_clear()
    if settings.REDIS_URL and _in_redis.cache_info().currsize:
        _in_redis(settings.REDIS_URL).storage.reset()


def _charge(limiter: SlidingWindowCounterRateLimiter, policy: str, who: str, per_minute: int) -> Standing:
    window = RateLimitItemPerMinute(per_minute, namespace=policy)
    is_within = limiter.hit(window, who)
    reset_at, remaining = limiter.get_window_stats(window, who)
    seconds = min(max(math.ceil(reset_at - time.time()), 1), WINDOW_SECONDS)
    return Standing(policy, per_minute, remaining if is_within else 0, seconds, is_within)


@lru_cache(maxsize=1)
def _in_redis(url: str) -> SlidingWindowCounterRateLimiter:
    storage = RedisStorage(url, key_prefix=_PREFIX, socket_connect_timeout=1, socket_timeout=1)
    return SlidingWindowCounterRateLimiter(storage)


@lru_cache(maxsize=1)
def _in_memory() -> SlidingWindowCounterRateLimiter:
    return SlidingWindowCounterRateLimiter(MemoryStorage())
