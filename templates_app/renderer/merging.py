"""Put finished PDFs one behind the other, with a bookmark for each. Runs in a confined child."""

from __future__ import annotations

import io
import time

import pikepdf

from templates_app.renderer import diagnostics
from templates_app.renderer.contracts import ErrorCode, MergeSpec, RenderedDocument, RenderError
from templates_app.renderer.finishing.metadata import stamp

_PRODUCER = f"pikepdf {pikepdf.__version__}"


def merge(spec: MergeSpec) -> RenderedDocument:
    """Merge the parts in their order; raise RenderError when one of them is no PDF."""
    begun = time.perf_counter()
    with pikepdf.new() as merged:
        starts = [_append(merged, part.pdf, number) for number, part in enumerate(spec.parts, start=1)]
        with merged.open_outline() as outline:
            for part, page in zip(spec.parts, starts, strict=True):
                outline.root.append(pikepdf.OutlineItem(part.title, page))
        merged.Root.PageMode = pikepdf.Name.UseOutlines
        stamp(merged, title=spec.title, created_at=spec.created_at, producer=_PRODUCER)
        stream = io.BytesIO()
        merged.save(stream, deterministic_id=True)
        pages = len(merged.pages)
    return RenderedDocument(
        pdf=stream.getvalue(),
        page_count=pages,
        engine_version=_PRODUCER,
        language_ms=0,
        engine_ms=0,
        finishing_ms=round((time.perf_counter() - begun) * 1000),
        peak_memory_kb=0,  # The parent knows better.
    )


def _append(merged: pikepdf.Pdf, pdf: bytes, number: int) -> int:
    """Append every page and return the index of the first."""
    start = len(merged.pages)
    with diagnostics.capture() as notes:
        try:
            with pikepdf.open(io.BytesIO(pdf), attempt_recovery=False, suppress_warnings=False) as part:
                merged.pages.extend(part.pages)
                # QPDF goes on where it can, also where memory ran out: half a document must not pass for one.
                trouble = part.get_warnings() or merged.get_warnings()
        except pikepdf.PdfError as error:
            trouble = [error]
        if not trouble and len(merged.pages) == start:
            trouble = ["it has no pages"]
        # Where memory ran out early, only the log says so.
        if any("bad_alloc" in str(what) for what in (*trouble, notes.text())):
            raise MemoryError
    if trouble:
        message = f"document {number} of the merge cannot be read: {trouble[0]}"
        raise RenderError(ErrorCode.RENDER_CRASH, message, permanent=False)
    return start
