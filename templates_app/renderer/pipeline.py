"""A spec becomes HTML, the HTML a PDF, the PDF a finished document. Runs in a confined child."""

from __future__ import annotations

import re
import time
from html import escape

from templates_app.renderer import diagnostics
from templates_app.renderer.author_style import with_author_style
from templates_app.renderer.contracts import ErrorCode, RenderedDocument, RenderError, RenderSpec, ResourcePolicy
from templates_app.renderer.engines import ENGINES, PrintEngine
from templates_app.renderer.finishing import finish
from templates_app.renderer.glyphs import missing_glyphs
from templates_app.renderer.languages import LANGUAGES
from templates_app.renderer.page_options import page_style
from templates_app.renderer.resources import Resources

_UNPRINTABLE = re.compile("[\0\ud800-\udfff]")


def answer(spec: RenderSpec) -> RenderedDocument:
    """Make the document; raise RenderError when its template, payload, assets or size are at fault."""
    resources = Resources(spec.assets)
    with diagnostics.capture() as notes:
        try:
            begun = time.perf_counter()
            html = write_html(spec)
            written = time.perf_counter()
            engine = ENGINES[spec.engine]
            pdf = _print(engine, spec, html, resources)
            printed = time.perf_counter()
        except RenderError as error:
            error.log = notes.text()
            _judge_resources(spec, resources, notes, failing=error)
            raise
    missing = missing_glyphs(html, spec.assets)
    warnings = (*_judge_resources(spec, resources, notes), *missing)
    if missing:  # In better words than WeasyPrint's own, which come one for each.
        warnings = tuple(warning for warning in warnings if not warning.startswith(".notdef glyph"))
    if spec.finish.watermark is not None:
        warnings += tuple(f"Watermark: {warning}" for warning in missing_glyphs(escape(spec.finish.watermark.text), ()))
    finished = finish(pdf, spec, engine.version)
    return RenderedDocument(
        pdf=finished.pdf,
        page_count=finished.page_count,
        engine_version=engine.version,
        language_ms=_milliseconds(written - begun),
        engine_ms=_milliseconds(printed - written),
        finishing_ms=_milliseconds(time.perf_counter() - printed),
        peak_memory_kb=0,  # The parent knows better.
        warnings=warnings,
        log=notes.text(),
        fonts=finished.fonts,
    )


def _print(engine: PrintEngine, spec: RenderSpec, html: str, resources: Resources) -> bytes:
    variant = spec.finish.variant
    if variant is None:
        return engine.render(html, resources)
    if engine.render_variant is None:
        message = f"{engine.version} makes no {variant.title}; the engine weasyprint does"
        raise RenderError(ErrorCode.TEMPLATE_ERROR, message, permanent=True)
    return engine.render_variant(html, resources, variant)


def write_html(spec: RenderSpec) -> str:
    """Return the document's HTML with all its style; raise RenderError when template or payload are at fault."""
    html = with_author_style(LANGUAGES[spec.language](spec), spec.css_source)
    return _printable(with_author_style(html, page_style(html, spec.page)))


def _printable(html: str) -> str:
    """Return `html` without the two things a JSON payload may hold and no engine takes: NUL and half characters."""
    return _UNPRINTABLE.sub("\ufffd", html)


def _judge_resources(
    spec: RenderSpec, resources: Resources, notes: diagnostics.Notes, *, failing: RenderError | None = None
) -> tuple[str, ...]:
    """Apply the version's policy to what could not be loaded; return the warnings of the document."""
    for url, reason in notes.broken_images():
        resources.note(url, reason)
    problems = [_describe(spec, url, reason) for url, reason in resources.problems.items()]
    if problems and spec.resource_policy is ResourcePolicy.FAIL:
        log = notes.text()
        raise RenderError(ErrorCode.ASSET_MISSING, "; ".join(problems[:10]), permanent=True, log=log) from failing
    if spec.resource_policy is ResourcePolicy.IGNORE:
        problems = []
    return (*problems, *notes.warnings())


def _describe(spec: RenderSpec, url: str, reason: str) -> str:
    position = spec.html_source.find(url)
    where = f" (line {spec.html_source.count(chr(10), 0, position) + 1})" if position >= 0 else ""
    return f"{url}{where}: {reason}"


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
