"""From Markdown to HTML: CommonMark, tables, tasks, strikethrough, footnotes, coloured code, maths, [[toc]]."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pygments
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.tasklists import tasklists_plugin
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from templates_app.renderer.languages.markdown_maths import typeset

_MAX_HIGHLIGHTED_CHARS = 100_000
_TOC = "[[toc]]"
_BOX = (
    '<svg class="task-box" viewBox="0 0 16 16" fill="none" stroke="#2f5bea" stroke-width="1.4">'
    '<rect x="1" y="1" width="14" height="14" rx="3"/>{}</svg>'
)
_TICK = '<path d="M4 8.5 7 11.5 12 5"/>'
_formatter = HtmlFormatter(nowrap=True)


@dataclass(frozen=True, slots=True)
class Document:
    """The body of a document, and its first heading as text."""

    html: str
    title: str


def parse(text: str, kept: Sequence[str], mark: re.Pattern[str]) -> Document:
    """Return `text` as HTML; where `mark` stands in running text, the piece of `kept` that it counts to is put."""
    environment: dict[str, Any] = {"kept": kept, "mark": mark}
    tokens = _parser.parse(text, environment)
    html = _parser.renderer.render(tokens, _parser.options, environment)
    title = next((_plain(token, mark) for token, _ in _headings(tokens)), "")
    return Document(html, title)


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "highlight": _highlight, "maxNesting": 40})
    parser.enable(["table", "strikethrough"])
    parser.use(footnote_plugin).use(tasklists_plugin)
    parser.use(dollarmath_plugin, renderer=_maths, allow_space=False, double_inline=True)
    parser.core.ruler.push("page", _finish)
    parser.add_render_rule("text", _render_text)
    return parser


def _highlight(code: str, language: str, _: str) -> str:
    if not language or len(code) > _MAX_HIGHLIGHTED_CHARS:
        return ""
    try:
        return pygments.highlight(code, get_lexer_by_name(language, stripnl=False), _formatter)
    except ClassNotFound:
        return ""


def _maths(source: str, options: dict[str, Any]) -> str:
    return typeset(source, display=bool(options["display_mode"]))


def _render_text(self: RendererHTML, tokens: Sequence[Token], index: int, _: Any, environment: Any) -> str:
    kept, mark = environment["kept"], environment["mark"]

    def piece(found: re.Match[str]) -> str:
        number = int(found[1])
        return kept[number] if number < len(kept) else ""

    return str(mark.sub(piece, escape(tokens[index].content, quote=False)))


def _finish(state: StateCore) -> None:
    """Give headings ids, blocks their direction, tasks their boxes and [[toc]] its contents."""
    headings = list(_headings(state.tokens))
    mark = state.env["mark"]
    used: set[str] = set()
    for inline, opening in headings:
        opening.attrSet("id", _unused(_slug(_plain(inline, mark)), used))
    contents = _contents(headings, mark)
    # A list's first words give it its direction.
    undecided: list[Token] = []
    for index, token in enumerate(state.tokens):
        if token.type in {"bullet_list_open", "ordered_list_open"}:
            undecided.append(token)
        if token.type != "inline":
            continue
        if index and _is_rtl(token.content):
            for block in (state.tokens[index - 1], *undecided):
                block.attrSet("dir", "rtl")
        undecided.clear()
        if token.content.strip().lower() == _TOC:
            _replace_paragraph(state.tokens, index, contents)
        for child in token.children or ():
            if child.type == "html_inline" and "task-list-item-checkbox" in child.content:
                child.content = _BOX.format(_TICK if "checked=" in child.content else "")


def _headings(tokens: Sequence[Token]) -> Iterable[tuple[Token, Token]]:
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            yield tokens[index + 1], token


def _plain(inline: Token, mark: re.Pattern[str]) -> str:
    shown = [child.content for child in inline.children or [] if child.type in {"text", "code_inline", "math_inline"}]
    return mark.sub("", "".join(shown)).strip()


def _slug(text: str) -> str:
    return re.sub(r"[^\w]+", "-", text.casefold()).strip("-")[:60] or "section"


def _unused(slug: str, used: set[str]) -> str:
    name, number = slug, 2
    while name in used:
        name, number = f"{slug}-{number}", number + 1
    used.add(name)
    return name


def _contents(headings: Sequence[tuple[Token, Token]], mark: re.Pattern[str]) -> str:
    """Return the list of headings below the document's own title, which its style sheet gives page numbers."""
    entries = []
    for inline, opening in headings:
        if opening.tag in {"h2", "h3"}:
            link = f'<a href="#{escape(str(opening.attrGet("id")))}">{escape(_plain(inline, mark))}</a>'
            entries.append(f'<li class="toc-{opening.tag}">{link}</li>')
    return f'<nav class="toc"><ul>{"".join(entries)}</ul></nav>'


def _replace_paragraph(tokens: list[Token], index: int, html: str) -> None:
    for token in (tokens[index - 1], tokens[index + 1]):
        token.type, token.tag, token.nesting, token.hidden = "html_block", "", 0, False
        token.content = ""
    tokens[index].type, tokens[index].content, tokens[index].children = "html_block", html, []


def _is_rtl(text: str) -> bool:
    """Say whether the first letter that has a direction runs from right to left (UAX #9, P2 and P3)."""
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction in {"L", "R", "AL"}:
            return direction != "L"
    return False


_parser = _make_parser()
