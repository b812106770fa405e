"""What a caller wants of every page instead of what the template's `@page` says, as a style sheet both engines obey."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import tinycss2

from templates_app.renderer.contracts import PAGE_SIZES_MM, PageOptions

Size = tuple[float, float]

_STYLE = re.compile(r"<style\b[^>]*>(.*?)</style", re.DOTALL | re.IGNORECASE)
_MM = {"mm": 1.0, "cm": 10.0, "in": 25.4, "pt": 25.4 / 72, "pc": 25.4 / 6, "px": 25.4 / 96, "q": 0.25}
_A4: Size = PAGE_SIZES_MM["a4"]


def page_style(html: str, options: PageOptions) -> str:
    """Return a sheet for `html` that makes its pages so; what is not asked for stays as the template has it.

    A size alone keeps each page's orientation, an orientation alone its size. Margins are the same for all pages.
    """
    rules = []
    if options.size_mm or options.orientation:
        sizes = {"": _A4, **dict(_sizes_of(html))}
        rules += [_rule(selector, _resized(size, options)) for selector, size in sizes.items()]
    if options.margins:
        margins = "".join(f"margin-{side}:{length} !important;" for side, length in options.margins)
        selectors = dict.fromkeys(["", *(selector for selector, _ in _page_rules(html))])
        rules += [f"@page {selector}{{{margins}}}" for selector in selectors]
    return "".join(rules)


def _rule(selector: str, size: Size) -> str:
    return f"@page {selector}{{size:{size[0]:g}mm {size[1]:g}mm !important}}"


def _resized(size: Size, options: PageOptions) -> Size:
    wanted = options.size_mm or size
    orientation = options.orientation or ("landscape" if size[0] > size[1] else "portrait")
    if options.size_mm and not options.orientation and options.size_is_custom:
        return wanted  # width and height were spelt out
    short, long = sorted(wanted)
    return (long, short) if orientation == "landscape" else (short, long)


def _sizes_of(html: str) -> Iterator[tuple[str, Size]]:
    for selector, declarations in _page_rules(html):
        for declaration in declarations:
            if declaration.type == "declaration" and declaration.lower_name == "size":
                size = _parse_size(declaration.value)
                if size is not None:
                    yield selector, size


def _page_rules(html: str) -> Iterator[tuple[str, list[Any]]]:
    """Return selector and declarations of every `@page` in the document's style elements."""
    for css in _STYLE.findall(html):
        yield from _page_rules_in(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True))


def _page_rules_in(rules: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    for rule in rules:
        if rule.type != "at-rule" or rule.content is None:
            continue
        if rule.lower_at_keyword == "page":
            declarations = tinycss2.parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True)
            yield tinycss2.serialize(rule.prelude).strip(), declarations
        elif rule.lower_at_keyword in {"media", "supports", "layer"}:
            yield from _page_rules_in(tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True))


def _parse_size(tokens: list[Any]) -> Size | None:
    lengths: list[float] = []
    named: Size | None = None
    landscape = False
    for token in tokens:
        if token.type == "dimension" and token.lower_unit in _MM:
            lengths.append(token.value * _MM[token.lower_unit])
        elif token.type == "ident" and token.lower_value in PAGE_SIZES_MM:
            named = PAGE_SIZES_MM[token.lower_value]
        elif token.type == "ident" and token.lower_value == "landscape":
            landscape = True
    if lengths:
        return lengths[0], lengths[-1]
    if named is None and not landscape:
        return None
    short, long = named or _A4
    return (long, short) if landscape else (short, long)
