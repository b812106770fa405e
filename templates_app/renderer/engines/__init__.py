"""How HTML becomes PDF: one module per engine, each with a `VERSION` and `render(html, resources) -> bytes`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from templates_app.renderer.contracts import Engine
from templates_app.renderer.engines import plutobook, weasyprint
from templates_app.renderer.finishes import PdfVariant
from templates_app.renderer.resources import Resources


@dataclass(frozen=True, slots=True)
class PrintEngine:
    """What the pipeline knows of an engine. `render` raises RenderError when the document cannot be laid out."""

    version: str
    render: Callable[[str, Resources], bytes]
    # The same as PDF/A or PDF/UA, where it can.
    render_variant: Callable[[str, Resources, PdfVariant], bytes] | None = None


ENGINES: Mapping[Engine, PrintEngine] = {
    Engine.WEASYPRINT: PrintEngine(weasyprint.VERSION, weasyprint.render, weasyprint.render_variant),
    Engine.PLUTOBOOK: PrintEngine(plutobook.VERSION, plutobook.render),
}
