"""Dates and times by locale and time zone."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_time

from templates_app.renderer.languages.helper_refusals import wrong_argument, wrong_value

_STYLES = {"short", "medium", "long", "full"}
_PATTERN = re.compile(r"[\w\s.,:/'·-]{1,60}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def date(value: Any, style: Any, locale: Locale, timezone: Any) -> str:
    """Return the date. A date alone is that day everywhere; a time with an offset is seen from `timezone`."""
    if isinstance(value, str) and _DATE.fullmatch(value.strip()):
        day = _parse(value).date()
    else:
        day = _moment(value, timezone).date()
    return _formatted(lambda: format_date(day, _style(style), locale))


def time(value: Any, style: Any, locale: Locale, timezone: Any) -> str:
    """Return the time of day. A time without an offset is taken to be `timezone`'s own."""
    moment = _moment(value, timezone)
    return _formatted(lambda: format_time(moment, _style(style), tzinfo=moment.tzinfo, locale=locale))


def _formatted(write: Any) -> str:
    try:
        return str(write())
    except (KeyError, ValueError, AttributeError, NotImplementedError, IndexError) as error:
        raise wrong_argument(f"the pattern cannot be used: {error}") from error


def _moment(value: Any, timezone: Any) -> dt.datetime:
    zone = _zone(timezone)
    parsed = _parse(value)
    if parsed.tzinfo is None:
        return parsed.replace(tzinfo=zone)
    try:
        return parsed.astimezone(zone)
    except OverflowError as error:
        raise wrong_value(f"{value!r} is outside the years 1 to 9999") from error


def _parse(value: Any) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(value.strip())
    except (AttributeError, TypeError, ValueError) as error:
        shown = "null" if value is None else repr(str(value)[:40])
        raise wrong_value(f"{shown} is not an ISO 8601 date or time, such as '2026-03-29T01:30:00Z'") from error


def _zone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise wrong_argument(f"{str(name)[:60]!r} is no time zone, such as 'Europe/Berlin'") from error


def _style(style: Any) -> str:
    if not isinstance(style, str) or not (style in _STYLES or _PATTERN.fullmatch(style)):
        raise wrong_argument("the format is short, medium, long, full or a CLDR pattern such as 'd MMMM y'")
    return style
