"""How the dashboard writes numbers: the same as static/pdfservice/dashboard/text.js."""

from __future__ import annotations

import json
from typing import Any

from django import template

register = template.Library()

NOTHING = "–"  # noqa: RUF001  # a dash is what people read as "no value"

_SHOWN_ELSEWHERE = frozenset({"sha256", "outcome"})


@register.filter
def count(value: int | None) -> str:
    """Write a whole number."""
    return NOTHING if value is None else f"{value:,}"


@register.filter
def milliseconds(value: int | None) -> str:
    """Write a duration in as few signs as tell it."""
    if value is None:
        return NOTHING
    if value < 1000:
        return f"{value} ms"
    if value < 100_000:
        return f"{value / 1000:.1f} s"
    return f"{value // 60_000} min {value // 1000 % 60} s"


@register.filter
def kilobytes(value: int | None) -> str:
    """Write a size."""
    if value is None:
        return NOTHING
    return f"{value / 1024:,.0f} KB" if value < 1 << 20 else f"{value / (1 << 20):,.1f} MB"


@register.filter
def action_name(action: str) -> str:
    """Write an event's action as words."""
    return action.partition(".")[2].replace("_", " ") or action


@register.filter
def facts(data: dict[str, Any]) -> list[tuple[str, str]]:
    """Return an event's data as pairs of text."""
    return [
        (name.replace("_", " "), value if isinstance(value, str) else json.dumps(value))
        for name, value in data.items()
        if value not in (None, "", []) and name not in _SHOWN_ELSEWHERE
    ]
