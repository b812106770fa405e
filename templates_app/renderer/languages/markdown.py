"""Markdown with Jinja2 in it: values are text, `|markdown` makes one Markdown, and HTML in either is text too."""

from __future__ import annotations

import hashlib
import re
from html import escape
from pathlib import Path
from typing import Any

from markupsafe import Markup
from pygments.formatters import HtmlFormatter

from templates_app.renderer.contracts import ErrorCode, RenderError, RenderSpec
from templates_app.renderer.languages import jinja2
from templates_app.renderer.languages.helpers import Html
from templates_app.renderer.languages.jinja2_sandbox import TemplateSandbox
from templates_app.renderer.languages.markdown_parser import Document, parse

_STYLE = Path(__file__).with_suffix(".css").read_text() + str(HtmlFormatter(style="friendly").get_style_defs("pre"))  # type: ignore[no-untyped-call] # its stubs forgot
# Everything that could begin or end something in Markdown; as an entity it is only ever text.
_MEANINGFUL = re.compile(r"[!-/:-@\[-`{-~\r\n\t]|^ +| +$")
_MAX_NOTES = 10_000


class _MarkdownSandbox(TemplateSandbox):
    """Jinja2 that writes Markdown. HTML of ours waits in `kept`, where Markdown cannot touch it."""

    def __init__(self, spec: RenderSpec) -> None:
        super().__init__(spec)
        self._mark = _mark(spec)
        self.filters["markdown"] = _as_markdown

    def finished(self, value: Any) -> Any:
        """Return a value as Markdown that reads as that text; HTML of ours as a mark."""
        value = super().finished(value)
        if isinstance(value, Html):
            _kept.append(str(value))
            if len(_kept) > _MAX_NOTES:
                raise RenderError(ErrorCode.TOO_LARGE, "the template writes too many pieces of HTML", permanent=True)
            return _Text(f"{self._mark}{len(_kept) - 1}e")
        if hasattr(value, "__html__") or not isinstance(value, str | int | float | list | dict | None):
            return value
        return _Text(_MEANINGFUL.sub(lambda found: "".join(f"&#{ord(one)};" for one in found[0]), str(value)))


class _Text(Markup):
    """Markdown, which is not to be escaped."""


# The pieces of the document being written; a child writes one at a time.
_kept: list[str] = []


def write_html(spec: RenderSpec) -> str:
    """Fill in the payload, then make a whole document of the Markdown; raise RenderError with the line at fault."""
    _kept.clear()
    text = jinja2.render(spec, spec.html_source, _MarkdownSandbox)
    try:
        document = parse(text, _kept, re.compile(f"{_mark(spec)}([0-9]+)e"))
    except RecursionError as error:
        raise RenderError(ErrorCode.TEMPLATE_ERROR, "the Markdown is nested too deeply", permanent=True) from error
    return _page(document, spec)


def _mark(spec: RenderSpec) -> str:
    # Plain letters and digits mean nothing to Markdown, and no source holds its own digest.
    return f"html{hashlib.sha256(spec.html_source.encode('utf-8', 'replace')).hexdigest()[:16]}n"


def _as_markdown(value: Any) -> _Text:
    return _Text("" if value is None else str(value))


def _page(document: Document, spec: RenderSpec) -> str:
    title = document.title or spec.title or "Document"
    return (
        f'<!doctype html><html lang="{escape(spec.locale.replace("_", "-"))}"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f'<body class="markdown-body">{document.html}</body></html>'
    )
