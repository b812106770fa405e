"""How payload meets source: one module per language, each with `write_html(source, payload) -> str`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from templates_app.renderer.contracts import Language
from templates_app.renderer.languages import jinja2, raw_html

WriteHtml = Callable[[str, bytes], str]

LANGUAGES: Mapping[Language, WriteHtml] = {
    Language.JINJA2: jinja2.write_html,
    Language.RAW_HTML: raw_html.write_html,
}
