"""MJML: MRML makes HTML of the source, then Jinja2 fills in the payload, escaped as ever."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import jinja2
from mjml import mjml2html

from templates_app.renderer.contracts import SOURCE_FILE, ErrorCode, RenderError, RenderSpec
from templates_app.renderer.languages import jinja2 as jinja2_language
from templates_app.renderer.languages.jinja2_sandbox import TemplateSandbox

_INCLUDE = re.compile(r"<[^<>\s]*mj-include", re.IGNORECASE)
_POSITION = re.compile(r"position (\d+):\d+")
# Web fonts that MJML itself links to; what the author asks for by mj-font may be an asset.
_REMOTE_LINK = re.compile(r"<link\b[^>]*\bhref=\"(?:https?:)?//[^>]*>", re.IGNORECASE)
_REMOTE_IMPORT = re.compile(r"@import url\((?:https?:)?//[^)]*\);?", re.IGNORECASE)
# For Outlook and phones; WeasyPrint warns of every one.
_VENDOR_STYLE = re.compile(r"(?:\bmso|-ms|-webkit)-[a-z-]+\s*:[^;\"}]*;?\s*")
# A page is as wide as a screen, but no screen.
_SCREEN = re.compile(r"only screen and \(min-width:\s*\d+px\)|screen and \(min-width:\s*\d+px\)")

# WeasyPrint reads no width from attributes, and what is aligned to the right would stand in the middle of its column.
_WIDTHS = '<style>table[width="100%"] { width: 100% }</style>'


def write_html(spec: RenderSpec) -> str:
    """Render the source; raise RenderError with the line at fault."""
    source = spec.html_source
    # Plain letters, for MRML escapes odd characters, and none that a source could hold.
    mark = f"jinja{hashlib.sha256(source.encode('utf-8', 'replace')).hexdigest()[:16]}n"
    if found := _INCLUDE.search(source):
        line = source.count("\n", 0, found.start()) + 1
        raise _error('mj-include is not supported; use a partial: {% include "name" %}', line)
    marked, tags = _without_jinja(source, spec, mark)
    html, lines = _with_jinja(_to_html(marked), tags, mark)
    try:
        return jinja2_language.render(spec, html)
    except RenderError as error:
        if error.file == SOURCE_FILE and error.line is not None:
            error.line = lines.get(error.line, error.line)
        raise


def _without_jinja(source: str, spec: RenderSpec, mark: str) -> tuple[str, list[tuple[int, str]]]:
    """Return `source` with a mark for each piece of Jinja2, which need not be XML, and the pieces with their lines."""
    pieces: list[str] = []
    tags: list[tuple[int, str]] = []
    tag, begun = "", 0
    try:
        tokens = list(TemplateSandbox(replace(spec, partials=())).lex(source))
    except jinja2.TemplateSyntaxError as error:
        raise _error(error.message or "syntax error", error.lineno) from error
    for line, kind, text in tokens:
        if not tag and kind == "data":
            pieces.append(text)
            continue
        if not tag:
            begun = line
        tag += text
        if kind.endswith("_end") or kind == "raw_begin":
            pieces.append(f"{mark}{len(tags)}e")
            tags.append((begun, tag))
            tag = ""
    if tag:
        raise _error(f"{tag.strip()[:20]!r} is not closed", begun)
    return "".join(pieces), tags


def _with_jinja(html: str, tags: list[tuple[int, str]], mark: str) -> tuple[str, dict[int, int]]:
    """Return `html` with its Jinja2 back, and which line of the source each line with some of it came from."""
    pieces: list[str] = []
    lines: dict[int, int] = {}
    current, end = 1, 0
    for found in re.finditer(f"{mark}([0-9]+)e", html):
        between = html[end : found.start()]
        begun, tag = tags[int(found[1])]
        # A line of its own for each, by line ends within the braces, which print nothing.
        opening = re.match(r"\{[{%][-+]?", tag)
        if opening:
            tag = f"{opening[0]}\n{tag[opening.end() :]}"
        current += between.count("\n")
        for offset in range(tag.count("\n") + 1):
            lines[current + offset] = begun + max(0, offset - 1)
        current += tag.count("\n")
        pieces += (between, tag)
        end = found.end()
    return "".join([*pieces, html[end:]]), lines


def _to_html(source: str) -> str:
    try:
        html = mjml2html(source, disable_comments=True, social_icon_origin="asset:", fonts={})
    except ValueError as error:
        position = _POSITION.search(str(error))
        line = None
        if position:
            # MRML counts bytes.
            line = source.encode()[: int(position[1])].count(b"\n") + 1
        raise _error(f"MJML: {error}", line) from error
    html = _REMOTE_IMPORT.sub("", _REMOTE_LINK.sub("", html))
    html = html.replace("word-break:break-word", "overflow-wrap:break-word")  # the former name, which WeasyPrint lacks
    return _SCREEN.sub("all", _VENDOR_STYLE.sub("", html)).replace("<style", f"{_WIDTHS}<style", 1)


def _error(message: str, line: int | None) -> RenderError:
    return RenderError(ErrorCode.TEMPLATE_ERROR, message, permanent=True, line=line)
