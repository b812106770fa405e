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


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Give every operation the answer that any of them may give: a problem document (a drf-spectacular hook)."""
    result["components"]["schemas"]["Problem"] = PROBLEM
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = _REFUSAL
    return result
