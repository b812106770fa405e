"""The sample document as a tree with its style rules, for checks that need to know how it is built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cssselect2
import tinycss2
import tinyhtml5

from templates_app.renderer.version_checks.subject import Subject

# Larger ones would take longer to look at than to print.
_MAX_HTML_CHARS = 2_000_000
_STYLE = re.compile(r"<style\b[^>]*>(.*?)</style", re.DOTALL | re.IGNORECASE)
_GROUPS = frozenset({"media", "supports", "layer"})


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a style sheet: what stands before its braces, and its declarations by lower-case name."""

    at_keyword: str
    prelude: list[Any]
    declarations: list[tuple[str, list[Any]]]


def html_of(subject: Subject) -> str:
    """Return the document's HTML; the source where none could be made."""
    if subject.printed.html:
        return subject.printed.html[:_MAX_HTML_CHARS]
    return f"<style>{subject.spec.css_source}</style>{subject.spec.html_source}"[:_MAX_HTML_CHARS]


def tree_of(subject: Subject) -> Any:
    """Return the document's root element (cssselect2's wrapper)."""
    tree = tinyhtml5.parse(html_of(subject), namespace_html_elements=False)
    return cssselect2.ElementWrapper.from_html_root(tree)


def rules_of(subject: Subject) -> Iterator[Rule]:
    """Yield every rule of the document's style elements, those within @media and its like too."""
    for css in _STYLE.findall(html_of(subject)):
        yield from _rules_in(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True))


def style_attributes(subject: Subject) -> Iterator[Rule]:
    """Yield the style attributes of the document as rules without a prelude."""
    for css in re.findall(r"""\bstyle\s*=\s*("[^"]*"|'[^']*')""", html_of(subject), re.IGNORECASE):
        yield Rule("", [], _declarations(tinycss2.parse_blocks_contents(css[1:-1])))


def matcher_of(rules: list[tuple[list[Any], Any]]) -> cssselect2.Matcher:
    """Return a matcher that gives an element the payloads of the rules (prelude, payload) that select it."""
    matcher = cssselect2.Matcher()
    for prelude, payload in rules:
        try:
            selectors = cssselect2.compile_selector_list(prelude)
        except cssselect2.SelectorError:
            continue
        for selector in selectors:
            if selector.pseudo_element is None:
                matcher.add_selector(selector, payload)
    return matcher


def _rules_in(nodes: list[Any]) -> Iterator[Rule]:
    for node in nodes:
        if node.type == "qualified-rule":
            yield from _with_inner("", node)
        elif node.type == "at-rule" and node.content is not None:
            if node.lower_at_keyword in _GROUPS:
                inner = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
                yield from _rules_in(inner)
            else:
                yield from _with_inner(node.lower_at_keyword, node)


def _with_inner(at_keyword: str, node: Any) -> Iterator[Rule]:
    """Yield a rule, then what stands within it: the margin boxes of a page, nested rules."""
    contents = tinycss2.parse_blocks_contents(node.content, skip_comments=True, skip_whitespace=True)
    yield Rule(at_keyword, node.prelude, _declarations(contents))
    yield from _rules_in(contents)


def _declarations(nodes: list[Any]) -> list[tuple[str, list[Any]]]:
    return [(node.lower_name, node.value) for node in nodes if node.type == "declaration"]
