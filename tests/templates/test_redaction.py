"""Payloads as people see them."""

from __future__ import annotations

from typing import Any

import pytest

from templates_app.redaction import MASK, redacted

SECRET = {"x-redact": True}


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"iban": SECRET}},
        {"allOf": [{"anyOf": [{"properties": {"iban": SECRET}}]}]},
        {"$ref": "#/$defs/payee", "$defs": {"payee": {"properties": {"iban": SECRET}}}},
        {"$ref": "#payee", "$defs": {"p": {"$anchor": "payee", "properties": {"iban": SECRET}}}},
        {"if": {}, "then": {"properties": {"iban": SECRET}}},
        {"properties": {"name": {}}, "additionalProperties": SECRET},
        {"properties": {"name": {}}, "patternProperties": {"^iban$": SECRET, "x": True}},
    ],
)
def test_a_marked_property_is_masked_wherever_its_mark_stands(schema: dict[str, Any]) -> None:
    assert redacted({"iban": "CH93"}, schema) == {"iban": MASK}


def test_marks_reach_into_lists_and_what_is_not_marked_is_shown() -> None:
    schema = {
        "properties": {
            "people": {"items": {"properties": {"name": SECRET, "city": {"type": "string"}}}},
            "pair": {"prefixItems": [{}, SECRET]},
        }
    }
    payload = {"people": [{"name": "Ada", "city": "Bern"}], "pair": [1, 2]}
    assert redacted(payload, schema) == {"people": [{"name": MASK, "city": "Bern"}], "pair": [1, MASK]}


def test_a_marked_object_is_masked_whole() -> None:
    assert redacted({"who": {"name": "Ada"}}, {"properties": {"who": SECRET}}) == {"who": MASK}


def test_circles_end() -> None:
    schema = {"$ref": "#", "allOf": [{"$ref": "#/allOf/0"}], "properties": {"next": {"$ref": "#"}, "x": SECRET}}
    assert redacted({"next": {"x": 1}, "y": 2}, schema) == {"next": {"x": MASK}, "y": 2}


@pytest.mark.parametrize("schema", [None, True, False])
def test_without_a_schema_only_the_shape_is_shown(schema: Any) -> None:
    assert redacted({"a": [1, {"b": "c"}], "d": None}, schema) == {"a": [MASK, {"b": MASK}], "d": MASK}
