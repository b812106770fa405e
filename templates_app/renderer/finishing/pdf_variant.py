"""PDF/A and PDF/UA: the claim for XMP, and a look at what came of it. The engine makes them."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pikepdf

from templates_app.renderer.contracts import ErrorCode, RenderError
from templates_app.renderer.finishes import PdfVariant
from templates_app.renderer.finishing.variant_rules import problems_of

_SHOWN_PROBLEMS = 10

CLAIMS: Mapping[PdfVariant | None, Mapping[str, str]] = {
    None: {},
    PdfVariant.A_2B: {"pdfaid:part": "2", "pdfaid:conformance": "B"},
    PdfVariant.A_2U: {"pdfaid:part": "2", "pdfaid:conformance": "U"},
    PdfVariant.A_3B: {"pdfaid:part": "3", "pdfaid:conformance": "B"},
    PdfVariant.UA_1: {"pdfuaid:part": "1"},
}


def check(pdf: bytes, variant: PdfVariant) -> None:
    """Raise RenderError when a saved document is not what it claims to be, with everything that is amiss."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        problems = list(dict.fromkeys(problems_of(document, variant, CLAIMS[variant])))
    if problems:
        more = f" and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
        message = f"The document is no {variant.title}: {'; '.join(problems[:_SHOWN_PROBLEMS])}{more}"
        raise RenderError(ErrorCode.TEMPLATE_ERROR, message, permanent=True)
