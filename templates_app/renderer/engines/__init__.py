"""How HTML becomes PDF: one module per engine, each with a `VERSION` and `render(html, resources) -> bytes`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from templates_app.renderer.contracts import Engine
from templates_app.renderer.engines import plutobook, weasyprint
from templates_app.renderer.resources import Resources


@dataclass(frozen=True, slots=True)
class PrintEngine:
    """What the pipeline knows of an engine. `render` raises RenderError when the document cannot be laid out."""

    version: str
    render: Callable[[str, Resources], bytes]


ENGINES: Mapping[Engine, PrintEngine] = {
    Engine.WEASYPRINT: PrintEngine(weasyprint.VERSION, weasyprint.render),
    Engine.PLUTOBOOK: PrintEngine(plutobook.VERSION, plutobook.render),
}
