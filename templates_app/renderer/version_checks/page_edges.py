"""Text that runs off the page is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pypdfium2

from templates_app.renderer.findings import Finding, warning
from templates_app.renderer.glyphs import written_text
from templates_app.renderer.version_checks.subject import Subject

# Points; the side bearing of a glyph may touch the edge.
_TOLERANCE = 2.0
_MAX_PAGES = 20
_SHOWN_CHARS = 60


def check(subject: Subject) -> Iterator[Finding]:
    """Yield `text_off_page` for the first such text of each page, or once for a document that lost all of its text."""
    if not subject.printed.pdf:
        return
    with pypdfium2.PdfDocument(subject.printed.pdf) as pdf:
        if written_text(subject.printed.html).strip() and not _has_characters(pdf):
            message = "The document has text, and none of it is on its pages; margins may leave no room for any."
            yield warning("text_off_page", message)
        for number in range(min(len(pdf), _MAX_PAGES)):
            page = pdf[number]
            text = _text_outside(page, *page.get_size())
            if text:
                shown = text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"
                place = subject.find(text[:20])
                message = f"The text {shown!r} runs off page {number + 1}."
                yield warning("text_off_page", message, place.file, place.line, place.column)


def _has_characters(pdf: pypdfium2.PdfDocument) -> bool:
    return any(pdf[number].get_textpage().count_chars() for number in range(min(len(pdf), _MAX_PAGES)))


def _text_outside(page: pypdfium2.PdfPage, width: float, height: float) -> str:
    texts = page.get_textpage()
    for index in range(texts.count_rects()):
        left, bottom, right, top = texts.get_rect(index)
        if min(left, bottom) < -_TOLERANCE or right > width + _TOLERANCE or top > height + _TOLERANCE:
            text = str(texts.get_text_bounded(left, bottom, right, top)).strip()
            if text:
                return text
    return ""
