"""Every partial that the sources name must be there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from templates_app.renderer.contracts import Language
from templates_app.renderer.findings import Finding, error
from templates_app.renderer.version_checks.comments import without_comments
from templates_app.renderer.version_checks.subject import Subject

_JINJA = re.compile(
    r"""\{%[-+]?\s*(?:include|extends|import|from)\s+(?P<quote>["'])(?P<name>[^"'{}]+)(?P=quote)(?P<rest>[^%]*)%\}"""
)
_HANDLEBARS = re.compile(r"""\{\{~?>\s*(?P<quote>["']?)(?P<name>[^\s"'(){}~|=]+)(?P=quote)(?P<rest>)""")
_INLINE = re.compile(r"""\{\{~?#\*\s*inline\s+["']([^"']+)["']""")
_CALLS = {Language.JINJA2: _JINJA, Language.MJML: _JINJA, Language.HANDLEBARS: _HANDLEBARS}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield `partial_missing` for each name without a source, and without a way to do without."""
    pattern = _CALLS.get(subject.spec.language)
    if pattern is None:
        return
    texts = {file: without_comments(text, subject.spec.language) for file, text in subject.texts.items()}
    there = {partial.name for partial in subject.spec.partials} | {"@partial-block"}
    there |= {name for text in texts.values() for name in _INLINE.findall(text)}
    for file, text in texts.items():
        for match in pattern.finditer(text):
            if match["name"] not in there and "ignore missing" not in match["rest"]:
                place = subject.place(file, match.start())
                yield error(
                    "partial_missing", f"There is no partial {match['name']!r}.", file, place.line, place.column
                )
