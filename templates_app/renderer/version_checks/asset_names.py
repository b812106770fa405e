"""Every `asset:NAME` that the sources spell out must be there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from templates_app.renderer.findings import Finding, error
from templates_app.renderer.version_checks.comments import without_comments
from templates_app.renderer.version_checks.subject import Subject

_ASSET = re.compile(r"""\basset:([^\s"'()<>&,;|\\]+)""", re.IGNORECASE)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield `asset_missing` for each name without a file; names that the payload decides are left to the document."""
    there = {asset.name for asset in subject.spec.assets}
    for file, text in subject.texts.items():
        for match in _ASSET.finditer(without_comments(text, subject.spec.language)):
            name = match[1].partition("#")[0]
            if "{" in name or not there.isdisjoint((name, unquote(name), unquote(name.partition("?")[0]))):
                continue
            place = subject.place(file, match.start())
            yield error("asset_missing", f"There is no asset {name!r}.", file, place.line, place.column)
