"""What every endpoint has in common in the OpenAPI document."""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string"}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "A problem document (RFC 9457): what is wrong, all of it, and where.",
    "required": ["type", "title", "status", "detail", "code", "errors"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "code": {**_TEXT, "description": "For programs: it does not change when a sentence does."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "message"],
                "properties": {
                    "pointer": {**_TEXT, "description": "JSON pointer (RFC 6901) into the request's body."},
                    "message": _TEXT,
                },
            },
        },
    },
}
_REFUSAL = {
    "description": "Refused, or not possible right now.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_SECONDS = {"type": "integer", "minimum": 1}
TOO_MANY: dict[str, Any] = {
    **_REFUSAL,
    "description": "Too many requests from this caller (`rate_limited`), or a queue that is full (`queue_full`).",
    "headers": {
        "Retry-After": {"description": "Seconds to wait before the next try.", "schema": _SECONDS},
        "RateLimit-Policy": {"description": "Quota `q` in a window of `w` seconds.", "schema": _TEXT},
        "RateLimit": {"description": "What remains (`r`), and seconds until there is more (`t`).", "schema": _TEXT},
        "RateLimit-Limit": {"description": "Requests a minute.", "schema": {"type": "integer"}},
        "RateLimit-Remaining": {"description": "Requests left now.", "schema": {"type": "integer"}},
        "RateLimit-Reset": {"description": "Seconds until there is more.", "schema": _SECONDS},
    },
}


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Give every operation the answers that any of them may give: problem documents (a drf-spectacular hook)."""
    result["components"]["schemas"]["Problem"] = PROBLEM
    result["components"]["responses"] = {"TooMany": TOO_MANY}
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["429"] = {"$ref": "#/components/responses/TooMany"}
            operation["responses"]["default"] = _REFUSAL
    return result
