"""Dates inside PDFs. All come from the job, so that it gives the same bytes whenever it is rendered."""

from __future__ import annotations

from datetime import UTC, datetime

import pikepdf


def pdf_date(moment: str) -> str | None:
    """Return an RFC 3339 time in PDF's notation (ISO 32000-2, 7.9.4), None for no time."""
    return _utc(moment).strftime("D:%Y%m%d%H%M%SZ") if moment else None


def xmp_date(moment: str) -> str | None:
    """Return an RFC 3339 time as XMP writes it, to the second as in PDF's notation; None for no time."""
    return _utc(moment).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def set_dates(holder: pikepdf.Object, date: str | None) -> None:
    """Set both dates of a dictionary, or take them out."""
    for name in ("/CreationDate", "/ModDate"):
        if date is not None:
            holder[name] = pikepdf.String(date)
        elif name in holder:
            del holder[name]


def _utc(moment: str) -> datetime:
    parsed = datetime.fromisoformat(moment)
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed
