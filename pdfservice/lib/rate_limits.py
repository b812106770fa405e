"""Rate limits as requests meet them: who is counted, what a refusal says, and the headers of every answer.

Whoever shows a good key or session is counted by that alone, whatever others do from the same address. Everybody else
is counted by address: a wrong key must not shut out the right ones of an office behind one address, and guessing 256
random bits needs no lock.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from pdfservice.lib import rates
from pdfservice.lib.addresses import client_address
from pdfservice.lib.errors import ServiceError

_STANDING = "pdfservice.rate_standing"
CALLER, ADDRESS = "caller", "address"


def charge_caller(request: HttpRequest, *, who: str, per_minute: int) -> None:
    """Count a call of a known caller; raise ServiceError (429) when there were too many."""
    _charge(request, policy=CALLER, who=who, per_minute=per_minute, whose="this key or member")


def charge_stranger(request: HttpRequest) -> None:
    """Count a call of somebody unknown, by address; raise ServiceError (429) when there were too many."""
    limit = settings.UNAUTHENTICATED_PER_MINUTE
    _charge(request, policy=ADDRESS, who=_network(request), per_minute=limit, whose="callers without a valid key")


def headers(standing: rates.Standing) -> Mapping[str, str]:
    """Return what an answer says about a caller's rate.

    The pair is draft-ietf-httpapi-ratelimit-headers-10; the three are what its earlier drafts had and clients read.
    """
    return {
        "RateLimit-Policy": f'"{standing.policy}";q={standing.limit};w={rates.WINDOW_SECONDS}',
        "RateLimit": f'"{standing.policy}";r={standing.remaining};t={standing.reset_seconds}',
        "RateLimit-Limit": str(standing.limit),
        "RateLimit-Remaining": str(standing.remaining),
        "RateLimit-Reset": str(standing.reset_seconds),
    }


class RateLimitHeaders:
    """Middleware that tells every caller who was counted where they stand."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        standing: rates.Standing | None = request.META.get(_STANDING)
        if standing is not None:
            for name, value in headers(standing).items():
                response[name] = value
        return response


class StrangerThrottle(BaseThrottle):
    """For views that ask nobody who they are, and that cost something."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Return True, or raise ServiceError (429)."""
        charge_stranger(request._request)
        return True


def _charge(request: HttpRequest, *, policy: str, who: str, per_minute: int, whose: str) -> None:
    standing = rates.charge(policy=policy, who=who, per_minute=per_minute)
    request.META[_STANDING] = standing
    if not standing.is_within:
        message = f"At most {per_minute} requests a minute are taken from {whose}. Wait {standing.reset_seconds} s."
        raise ServiceError(429, "rate_limited", message, retry_after_s=standing.reset_seconds)


def _network(request: HttpRequest) -> str:
    """Return what counts as one address: of IPv6 the /64, since whoever has one address has them all."""
    address = client_address(request)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address or "unknown")
