"""Every font family that the document uses comes from an asset or is installed here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from templates_app.renderer.findings import Finding, error, warning
from templates_app.renderer.version_checks import installed_fonts
from templates_app.renderer.version_checks.markup import Rule, rules_of, style_attributes
from templates_app.renderer.version_checks.subject import Subject

# Names that stand for whatever font there is, and words that stand for another value.
_GENERIC = frozenset(
    {
        *("serif", "sans-serif", "monospace", "cursive", "fantasy", "math", "emoji", "fangsong"),
        *("system-ui", "ui-serif", "ui-sans-serif", "ui-monospace", "ui-rounded"),
        *("inherit", "initial", "unset", "revert", "revert-layer"),
    }
)
_SIZES = frozenset(["xx-small", "x-small", "small", "medium", "large", "x-large", "xx-large", "smaller", "larger"])

# Names of custom properties with what they are set to.
Variables = Mapping[str, list[list[Any]]]
_MAX_DEPTH = 8
_MAX_MEANINGS = 50


def check(subject: Subject) -> Iterator[Finding]:
    """Yield `font_missing` for a family that comes first in its list, `font_fallback_missing` for one further back."""
    rules = [*rules_of(subject), *style_attributes(subject)]
    known = {_text(value).lower() for rule in rules if rule.at_keyword == "font-face" for value in _faces(rule)}
    known |= _GENERIC | installed_fonts.families()
    variables = _variables(rules)
    told = set()
    for rule in rules:
        for families in _family_lists(rule, variables):
            for position, family in enumerate(families):
                if family.lower() in known or family.lower() in told:
                    continue
                told.add(family.lower())
                yield _missing(subject, family, is_first=position == 0)


def _missing(subject: Subject, family: str, *, is_first: bool) -> Finding:
    place = subject.find(family, begin="css_source")
    where = (place.file, place.line, place.column)
    if is_first:
        message = f"The font {family!r} is neither installed nor made of an asset by @font-face."
        return error("font_missing", message, *where)
    return warning("font_fallback_missing", f"The fallback font {family!r} is not there.", *where)


def _faces(rule: Rule) -> list[list[Any]]:
    return [value for name, value in rule.declarations if name == "font-family"]


def _variables(rules: list[Rule]) -> Variables:
    """Return every value of every custom property: which one an element gets is the cascade's business."""
    variables: dict[str, list[list[Any]]] = {}
    for rule in rules:
        for name, value in rule.declarations:
            if name.startswith("--"):
                variables.setdefault(name, []).append(value)
    return variables


def _family_lists(rule: Rule, variables: Variables) -> Iterator[list[str]]:
    if rule.at_keyword == "font-face":
        return
    for name, value in rule.declarations:
        if name in {"font-family", "font"}:
            for tokens in islice(_expanded(value, variables), _MAX_MEANINGS):
                yield _split(tokens if name == "font-family" else _without_size(tokens))


def _expanded(tokens: list[Any], variables: Variables, depth: int = 0) -> Iterator[list[Any]]:
    """Yield what `tokens` may stand for once each var() has one of its values, or its fallback where it has none."""
    for index, token in enumerate(tokens):
        if token.type == "function" and token.lower_name == "var" and depth < _MAX_DEPTH:
            name, fallback = _name_and_fallback(token.arguments)
            for value in variables.get(name, [fallback]):
                yield from _expanded([*tokens[:index], *value, *tokens[index + 1 :]], variables, depth + 1)
            return
    yield tokens


def _name_and_fallback(arguments: list[Any]) -> tuple[str, list[Any]]:
    """Return the lower-case name that var() is of, and what follows its comma."""
    names = [token.value.lower() for token in arguments if token.type == "ident"]
    comma = next((i for i, token in enumerate(arguments) if token.type == "literal" and token.value == ","), None)
    return names[0] if names else "", [] if comma is None else arguments[comma + 1 :]


def _without_size(tokens: list[Any]) -> list[Any]:
    """Return what follows size and line height in a `font` shorthand; nothing for a keyword such as `inherit`."""
    last = -1
    for index, token in enumerate(tokens):
        if token.type in {"dimension", "percentage", "number"} or (
            token.type == "ident" and last < 0 and token.lower_value in _SIZES
        ):
            last = index
    return tokens[last + 1 :] if last >= 0 else []


def _split(tokens: list[Any]) -> list[str]:
    families: list[list[Any]] = [[]]
    for token in tokens:
        if token.type == "literal" and token.value == ",":
            families.append([])
        elif token.type == "function":
            return []  # nobody knows what it stands for
        else:
            families[-1].append(token)
    return [name for name in map(_text, families) if name]


def _text(tokens: list[Any]) -> str:
    """Return a family's name: a string, or words with single spaces."""
    words = [token.value for token in tokens if token.type in {"ident", "string"}]
    return " ".join(words)
