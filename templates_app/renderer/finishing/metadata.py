"""Say who made the document and when, the same way every time: the same spec must give the same bytes."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pikepdf

from templates_app.renderer.contracts import RenderSpec
from templates_app.renderer.wire import clean_text

_MAX_TITLE_CHARS = 1_000


def finish(pdf: bytes, spec: RenderSpec, engine_version: str) -> tuple[bytes, int]:
    """Set producer, title (where the document has none) and dates, with an /ID that follows from the content."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        stamp(document, title=spec.title, created_at=spec.created_at, producer=engine_version)
        if b"/EmbeddedFile" in pdf:
            _date_attachments(document, _pdf_date(spec.created_at))
        stream = io.BytesIO()
        document.save(stream, deterministic_id=True)
        return stream.getvalue(), len(document.pages)


def stamp(document: pikepdf.Pdf, *, title: str, created_at: str, producer: str) -> None:
    """Set the dates, the producer, and the title where the document has none."""
    _set_dates(document.docinfo, _pdf_date(created_at))
    document.docinfo["/Producer"] = pikepdf.String(producer)
    if title and not str(document.docinfo.get("/Title", "")).strip():
        document.docinfo["/Title"] = pikepdf.String(clean_text(title, _MAX_TITLE_CHARS))


def _date_attachments(document: pikepdf.Pdf, date: str | None) -> None:
    """Replace the time of rendering, which WeasyPrint gives every attachment."""
    for item in document.objects:
        if isinstance(item, pikepdf.Stream) and item.get("/Type") == "/EmbeddedFile" and "/Params" in item:
            _set_dates(item["/Params"], date)


def _set_dates(holder: pikepdf.Object, date: str | None) -> None:
    for name in ("/CreationDate", "/ModDate"):
        if date is not None:
            holder[name] = pikepdf.String(date)
        elif name in holder:
            del holder[name]


def _pdf_date(moment: str) -> str | None:
    """Return an RFC 3339 time in PDF's notation (ISO 32000-2, 7.9.4), None for no time."""
    if not moment:
        return None
    parsed = datetime.fromisoformat(moment)
    utc = parsed.astimezone(UTC) if parsed.tzinfo else parsed
    return utc.strftime("D:%Y%m%d%H%M%SZ")
