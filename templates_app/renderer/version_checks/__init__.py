"""What a version must pass to be published: one module per check, each with `check(subject)` that yields findings.

They run in a confined child, in three stages, so that a hostile schema or a document that takes too long costs only its
own stage. `sources` need nothing but the texts; `document` checks see what the sample payload became.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from templates_app.renderer.findings import Finding
from templates_app.renderer.version_checks import (
    asset_names,
    flex_nesting,
    fonts,
    glyphs,
    image_sizes,
    outside_urls,
    page_edges,
    partial_names,
    sample_document,
    schema_breaking,
    schema_validity,
    settings,
    table_heads,
)
from templates_app.renderer.version_checks.subject import Subject

Check = Callable[[Subject], Iterable[Finding]]

STAGES: Mapping[str, Sequence[Check]] = {
    "schema": (schema_validity.check, schema_breaking.check),
    "sources": (settings.check, asset_names.check, partial_names.check, outside_urls.check),
    "document": (
        sample_document.check,
        fonts.check,
        flex_nesting.check,
        table_heads.check,
        image_sizes.check,
        glyphs.check,
        page_edges.check,
    ),
}
