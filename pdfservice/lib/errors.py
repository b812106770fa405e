"""Errors that carry their decision: what a caller is told, and with which status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request; `pointer` is a JSON pointer (RFC 6901) into its body, empty for the whole."""

    pointer: str
    message: str


@dataclass(slots=True)
class ServiceError(Exception):
    """A refusal with a shape on the wire.

    `retry_after_s` becomes the Retry-After header, `members` more members of the problem document (RFC 9457, 3.2).
    """

    status: int
    code: str
    detail: str
    faults: Sequence[Fault] = field(default=())
    retry_after_s: int | None = None
    members: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.detail


def malformed(detail: str, faults: Sequence[Fault] = ()) -> ServiceError:
    """Return the refusal of a request that is not of the endpoint's form."""
    return ServiceError(400, "invalid_request", detail, faults)


def not_found(what: str) -> ServiceError:
    """Return the refusal for what is not there, or not the caller's: the two look alike on purpose."""
    return ServiceError(404, "not_found", f"There is no such {what}.")


def conflict(detail: str, code: str = "conflict") -> ServiceError:
    """Return the refusal of what the object's state does not allow."""
    return ServiceError(409, code, detail)


def gone(detail: str, code: str = "gone") -> ServiceError:
    """Return the refusal of what was there once and is no more."""
    return ServiceError(410, code, detail)


def unavailable(detail: str) -> ServiceError:
    """Return the refusal while something that we need is away."""
    return ServiceError(503, "unavailable", detail, retry_after_s=5)
