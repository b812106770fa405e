"""Say who made the document and when, the same way every time: the same spec must give the same bytes."""

from __future__ import annotations

import pikepdf

from templates_app.renderer.contracts import RenderSpec
from templates_app.renderer.finishes import Metadata
from templates_app.renderer.finishing.dates import pdf_date, set_dates, xmp_date
from templates_app.renderer.finishing.pdf_variant import CLAIMS
from templates_app.renderer.finishing.xmp import packet
from templates_app.renderer.wire import clean_text

_MAX_CHARS = 1_000
_TEXTS = ("/Title", "/Author", "/Subject", "/Keywords", "/Creator")


def apply(document: pikepdf.Pdf, spec: RenderSpec, engine_version: str) -> None:
    """Set what the document says of itself; XMP, where there is one or somebody asked, says the same."""
    wished = spec.finish.metadata
    _set_texts(document.docinfo, wished)
    stamp(document, title=spec.title, created_at=spec.created_at, producer=engine_version)
    if wished != Metadata() or "/Metadata" in document.Root:
        xmp = packet(document.docinfo, date=xmp_date(spec.created_at), claims=CLAIMS[spec.finish.variant])
        document.Root.Metadata = pikepdf.Stream(document, xmp, Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)


def stamp(document: pikepdf.Pdf, *, title: str, created_at: str, producer: str) -> None:
    """Set the dates, the producer, and the title where the document has none."""
    set_dates(document.docinfo, pdf_date(created_at))
    document.docinfo["/Producer"] = pikepdf.String(producer)
    if title and not str(document.docinfo.get("/Title", "")).strip():
        document.docinfo["/Title"] = pikepdf.String(clean_text(title, _MAX_CHARS))


def _set_texts(info: pikepdf.Dictionary, wished: Metadata) -> None:
    """Set what was asked for, and make of the template's own texts what every reader and XML can take."""
    wishes = (wished.title, wished.author, wished.subject, wished.keywords, "")
    for name, wish in zip(_TEXTS, wishes, strict=True):
        if wish or name in info:
            info[name] = pikepdf.String(wish or clean_text(str(info[name]), _MAX_CHARS))
