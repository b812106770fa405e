"""No URL of the sources may leave the machine: nothing is ever fetched, so what it names would be missing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from templates_app.renderer.findings import Finding, error
from templates_app.renderer.version_checks.comments import without_comments
from templates_app.renderer.version_checks.subject import Subject

_OUTSIDE = r"""(?P<url>(?:https?:|ftp:|file:|//)[^\s"'<>()]*)"""
# What is loaded, as opposed to what a reader may click on.
_LOADED = (
    re.compile(rf"""\b(?:src|srcset|poster|background|xlink:href)\s*=\s*["']?\s*{_OUTSIDE}""", re.IGNORECASE),
    re.compile(rf"""<object\b[^>]*?\bdata\s*=\s*["']?\s*{_OUTSIDE}""", re.IGNORECASE),
    re.compile(rf"""<(?:link|image|use|feimage|base)\b[^>]*?\bhref\s*=\s*["']?\s*{_OUTSIDE}""", re.IGNORECASE),
    re.compile(rf"""\burl\(\s*["']?\s*{_OUTSIDE}""", re.IGNORECASE),
    re.compile(rf"""@import\s+["']\s*{_OUTSIDE}""", re.IGNORECASE),
    re.compile(rf"""!\[[^\]]*\]\(\s*<?{_OUTSIDE}""", re.IGNORECASE),
)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield `url_outside` for each."""
    for file, text in subject.texts.items():
        plain = without_comments(text, subject.spec.language)
        found = {match.start("url"): match["url"] for pattern in _LOADED for match in pattern.finditer(plain)}
        for position, url in sorted(found.items()):
            place = subject.place(file, position)
            message = f"{url[:100]} is never fetched; upload the file as an asset and name it asset:NAME."
            yield error("url_outside", message, file, place.line, place.column)
