"""How payload meets source: one module per language, each with `write_html(spec) -> str`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from templates_app.renderer.contracts import Language, RenderSpec
from templates_app.renderer.languages import handlebars, jinja2, markdown, mjml, raw_html

WriteHtml = Callable[[RenderSpec], str]

LANGUAGES: Mapping[Language, WriteHtml] = {
    Language.HANDLEBARS: handlebars.write_html,
    Language.JINJA2: jinja2.write_html,
    Language.MJML: mjml.write_html,
    Language.RAW_HTML: raw_html.write_html,
    Language.MARKDOWN: markdown.write_html,
}
