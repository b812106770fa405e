"""Flex boxes nested four deep: each level multiplies the time of layout by three."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from templates_app.renderer.findings import Finding, warning
from templates_app.renderer.version_checks.markup import Rule, matcher_of, rules_of, tree_of
from templates_app.renderer.version_checks.subject import Subject

_DEEP = 4


def check(subject: Subject) -> Iterator[Finding]:
    """Yield `flex_nested` once, for the first that is too deep."""
    rules = [(rule.prelude, True) for rule in rules_of(subject) if not rule.at_keyword and _is_flex(rule)]
    if not rules and "flex" not in subject.printed.html:
        return
    matcher = matcher_of(rules)
    pending: list[tuple[Any, int]] = [(tree_of(subject), 0)]
    while pending:
        element, depth = pending.pop()
        if _is_flex_element(element, matcher):
            depth += 1
            if depth == _DEEP:
                name = element.local_name + "".join(f".{part}" for part in sorted(element.classes))
                message = f"{name} is the {_DEEP}th flex box within another; each takes three times as long."
                yield warning("flex_nested", message)
                return
        pending += [(child, depth) for child in element.iter_children()]


def _is_flex_element(element: Any, matcher: Any) -> bool:
    style = (element.etree_element.get("style") or "").replace(" ", "").lower()
    return "display:flex" in style or "display:inline-flex" in style or bool(matcher.match(element))


def _is_flex(rule: Rule) -> bool:
    displays = [value for name, value in rule.declarations if name == "display"]
    return any(token.type == "ident" and token.lower_value in {"flex", "inline-flex"} for v in displays for token in v)
