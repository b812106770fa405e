"""What happens to a printed PDF: one module per step, each with `apply(document, spec, engine_version)`.

The document is opened once and saved once, whatever the number of steps.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pikepdf

from templates_app.renderer.contracts import RenderSpec
from templates_app.renderer.finishing import attachments, metadata, pdf_variant, watermark
from templates_app.renderer.finishing.encryption import saving
from templates_app.renderer.finishing.fonts import fonts_of

Apply = Callable[[pikepdf.Pdf, RenderSpec, str], None]

# Metadata last: XMP says what the document has become.
STEPS: Sequence[Apply] = (attachments.apply, watermark.apply, metadata.apply)


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished PDF, its number of pages, and the names of its fonts."""

    pdf: bytes = field(repr=False)
    page_count: int
    fonts: tuple[str, ...]


def finish(pdf: bytes, spec: RenderSpec, engine_version: str) -> Finished:
    """Apply every step; the same spec and PDF give the same bytes, if they are not encrypted."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        for step in STEPS:
            step(document, spec, engine_version)
        fonts = fonts_of(document)
        pages = len(document.pages)
        stream = io.BytesIO()
        document.save(stream, **saving(spec.finish.encryption))
    if spec.finish.variant is not None:
        pdf_variant.check(stream.getvalue(), spec.finish.variant)
    return Finished(stream.getvalue(), pages, fonts)
