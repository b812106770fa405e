"""A schema for a version that has none: what the first payload that made a document looked like, offered to authors."""

from __future__ import annotations

import json
import re
from typing import Any

from genson import SchemaBuilder

from templates_app.models import TemplateVersion

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Reading a larger one would hold up its job for more than a tenth of a second.
_MAX_PAYLOAD_CHARS = 256 << 10
_MAX_SCHEMA_CHARS = 64 << 10
_MAX_PROPERTIES = 100
# Names that authors give; anything else (an address, a number) is data that serves as a key, and not to be kept.
_GIVEN_NAME = re.compile(r"[^\W\d][\w -]{0,39}")


def version_offer_schema(*, version: TemplateVersion, payload: str) -> bool:
    """Remember what `payload` (JSON text) looks like if the version has neither a schema nor an offer; say whether."""
    if version.payload_schema is not None or version.inferred_schema is not None:
        return False
    unknown = TemplateVersion.objects.filter(pk=version.pk, payload_schema__isnull=True, inferred_schema__isnull=True)
    return bool(unknown.update(inferred_schema=schema_inferred(payload)))


def schema_inferred(payload: str) -> dict[str, Any]:
    """Return a JSON Schema (2020-12) that `payload` fits: types and names of properties, none of its values."""
    anything = {"$schema": _DIALECT, "type": "object"}
    if len(payload) > _MAX_PAYLOAD_CHARS:
        return anything
    builder = SchemaBuilder(schema_uri=_DIALECT)
    builder.add_object(json.loads(payload))
    schema: dict[str, Any] = _modest(builder.to_schema())
    return schema if len(json.dumps(schema)) <= _MAX_SCHEMA_CHARS else anything


def _modest(node: Any) -> Any:
    """Return an inferred schema without what one payload cannot tell: that null is all there will ever be, or data."""
    if isinstance(node, list):
        return [_modest(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") == "null":
        return {}
    properties = node.get("properties")
    if isinstance(properties, dict):
        rest = {keyword: value for keyword, value in node.items() if keyword not in {"properties", "required"}}
        if len(properties) > _MAX_PROPERTIES or not all(map(_GIVEN_NAME.fullmatch, properties)):
            return rest
        kept = {name: _modest(schema) for name, schema in properties.items()}
        return {**rest, "properties": kept, "required": node.get("required", [])}
    return {keyword: _modest(value) for keyword, value in node.items()}
