"""Say what in a payload does not fit a schema. Blobs: the schema, the payload, both as JSON."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import jsonschema_rs

from templates_app.renderer import schemas


def perform(arguments: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """Return `faults`, a list of pointer and message."""
    schema, payload = blobs
    return {"faults": schemas.faults(_validator(schema), json.loads(payload))}, []


@lru_cache(maxsize=16)
def _validator(schema: bytes) -> jsonschema_rs.Draft202012Validator:
    return schemas.compile_schema(json.loads(schema))
