"""Which pages: `1, 3-5, 7-`."""

from __future__ import annotations

import re

Ranges = tuple[tuple[int, int | None], ...]

_RANGE = re.compile(r"\s*([0-9]{1,6})\s*(?:(-)\s*([0-9]{1,6})?\s*)?")
_MAX_RANGES = 20


def page_ranges(text: str) -> Ranges | None:
    """Return first and last page of each range, None for the last of all; nothing for all pages; None for no ranges."""
    if not text.strip():
        return ()
    ranges = [_range(part) for part in text.split(",")]
    if len(ranges) > _MAX_RANGES or None in ranges:
        return None
    return tuple(found for found in ranges if found is not None)


def _range(text: str) -> tuple[int, int | None] | None:
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    first = int(match[1])
    last = int(match[3]) if match[3] else None if match[2] else first
    return None if first < 1 or (last is not None and last < first) else (first, last)
