"""The schema is one that can be used, and the sample payload fits it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from templates_app.renderer import schemas
from templates_app.renderer.findings import Finding, error
from templates_app.renderer.version_checks.subject import Subject

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Where keywords hold data, or names of an author's choice.
_DATA = frozenset({"const", "enum", "default", "examples"})
_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})


def check(subject: Subject) -> Iterator[Finding]:
    """Yield `schema_reference`, `schema_dialect`, `schema_invalid` and `sample_unfit`."""
    schema = subject.payload_schema
    if schema is None:
        return
    outside = list(_findings_in(schema, []))
    yield from outside
    if outside:
        return
    try:
        validator = schemas.compile_schema(schema)
    except schemas.SchemaInvalid as invalid:
        where = schemas.pointer(list(invalid.path)) or "the top"
        yield error("schema_invalid", f"At {where}: {invalid}", "payload_schema")
        return
    if subject.sample is not None:
        for pointer, message in schemas.faults(validator, subject.sample):
            yield error("sample_unfit", f"At {pointer or 'the top'}: {message}", "sample_payload")


def _findings_in(node: Any, path: list[str | int]) -> Iterator[Finding]:
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from _findings_in(item, [*path, index])
    if not isinstance(node, dict):
        return
    for keyword, value in node.items():
        here = [*path, keyword]
        if keyword in {"$ref", "$dynamicRef", "$recursiveRef"}:
            if not isinstance(value, str) or not value.startswith("#"):
                message = f"{str(value)[:100]} leads out of the schema; a reference begins with #."
                yield error("schema_reference", f"At {schemas.pointer(here)}: {message}", "payload_schema")
        elif keyword == "$schema" and str(value).rstrip("#") != _DIALECT:
            yield error("schema_dialect", f"At {schemas.pointer(here)}: only {_DIALECT} is read.", "payload_schema")
        elif keyword in _NAMED and isinstance(value, dict):
            for name, schema in value.items():
                yield from _findings_in(schema, [*here, name])
        elif keyword not in _DATA:
            yield from _findings_in(value, here)
