"""Characters that no font has are printed as boxes."""

from __future__ import annotations

from collections.abc import Iterator

from templates_app.renderer.findings import Finding, warning
from templates_app.renderer.glyphs import missing_glyphs
from templates_app.renderer.version_checks.subject import Subject


def check(subject: Subject) -> Iterator[Finding]:
    """Yield `glyph_missing` once, with the characters."""
    for message in missing_glyphs(subject.printed.html, subject.spec.assets):
        yield warning("glyph_missing", message)
