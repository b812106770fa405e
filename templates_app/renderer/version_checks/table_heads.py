"""A table that goes on over pages should repeat its head, and only a `thead` is repeated."""

from __future__ import annotations

from collections.abc import Iterator

from templates_app.renderer.findings import Finding, warning
from templates_app.renderer.version_checks.markup import tree_of
from templates_app.renderer.version_checks.subject import Subject

# About a page of them.
_LONG = 25


def check(subject: Subject) -> Iterator[Finding]:
    """Yield `table_without_head` for each long table without one."""
    for table in tree_of(subject).query_all("table"):
        rows = sum(1 for _ in table.query_all("tr"))
        if rows > _LONG and table.query("thead") is None:
            place = subject.find("<table")
            message = f"A table of {rows} rows has no thead, so its head is not repeated on further pages."
            yield warning("table_without_head", message, place.file, place.line, place.column)
