"""What breaks callers of the active version, what may, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from templates_app.renderer.contracts import Engine, Language, RenderSpec
from templates_app.renderer.version_checks import schema_breaking
from templates_app.renderer.version_checks.subject import Subject

SPEC = RenderSpec(Language.RAW_HTML, Engine.PLUTOBOOK, "")


def compared(old: Any, new: Any, *, has_active_version: bool = True) -> list[str]:
    """Return severity and place of each finding."""
    subject = Subject(SPEC, payload_schema=new, active_schema=old, has_active_version=has_active_version)
    return [f"{found.severity} {found.message.split(':')[0]}" for found in schema_breaking.check(subject)]


def at(schema: Any) -> dict[str, Any]:
    """Return a schema with another for its property `a`."""
    return {"properties": {"a": schema}}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "string"}, {"type": "integer"}),
        ({"type": ["string", "null"]}, {"type": "string"}),
        ({"type": "number"}, {"type": "integer"}),
        ({}, {"type": "object"}),
        (True, {"type": "object"}),
        ({"enum": [1, 2]}, {"enum": [1]}),
        ({"enum": [1, 2]}, {"const": 1}),
        ({"const": 1}, {"const": 2}),
        ({}, {"enum": [1]}),
        ({"minimum": 1}, {"minimum": 2}),
        ({}, {"maximum": 9}),
        ({"maximum": 9}, {"maximum": 8}),
        ({"exclusiveMaximum": 9}, {"exclusiveMaximum": 8}),
        ({}, {"minLength": 1}),
        ({"maxLength": 9}, {"maxLength": 8}),
        ({"minItems": 1}, {"minItems": 2}),
        ({}, {"maxItems": 100}),
        ({}, {"maxProperties": 3}),
        ({"multipleOf": 5}, {"multipleOf": 2}),
        ({}, {"multipleOf": 2}),
        ({}, {"uniqueItems": True}),
        ({}, {"additionalProperties": False}),
        ({"type": "string"}, {"type": "string", "format": "date"}),
        ({"format": "date"}, {"format": "date-time"}),
        ({"format": "idn-email"}, {"format": "email"}),
        ({}, False),
    ],
)
def test_what_narrows_breaks(old: Any, new: Any) -> None:
    assert compared(at(old), at(new)) == ["error At /a"]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ({"required": ["a"]}, {"required": ["a", "b/c"]}, "/b~1c"),
        (at({}), {"properties": {}}, "/a"),
        (at({"items": {"type": "number"}}), at({"items": {"type": "string"}}), "/a/*"),
        (at({"prefixItems": [{}, {"type": "number"}]}), at({"prefixItems": [{}, {"type": "string"}]}), "/a/1"),
        ({"additionalProperties": {"minimum": 1}}, {"additionalProperties": {"minimum": 2}}, "/*"),
        (
            {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"maximum": 9}}},
            {"properties": {"a": {"$ref": "#/$defs/y"}}, "$defs": {"y": {"maximum": 8}}},
            "/a",
        ),
        (
            {"properties": {"a": {"maximum": 9}}},
            {"properties": {"a": {"$ref": "#/$defs/y", "title": "A"}}, "$defs": {"y": {"maximum": 8}}},
            "/a",
        ),
    ],
)
def test_it_is_told_where(old: Any, new: Any, place: str) -> None:
    assert compared(old, new) == [f"error At {place}"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "integer"}, {"type": "number"}),
        ({"type": "string"}, {}),
        ({"enum": [1]}, {"enum": [1, 2]}),
        ({"minimum": 2, "maximum": 8}, {"minimum": 1, "maximum": 9}),
        ({"multipleOf": 4}, {"multipleOf": 2}),
        ({}, {"minLength": 0, "minItems": 0}),
        ({"pattern": "a"}, {}),
        ({"additionalProperties": False}, {"additionalProperties": {"type": "string"}}),
        ({"required": ["x", "y"]}, {"required": ["y"]}),
        ({"title": "old", "format": "money"}, {"title": "new", "format": "int32", "description": "words"}),
        ({"format": "email"}, {"format": "idn-email"}),
        ({"format": "date"}, {}),
        ({"type": "integer"}, {"type": "integer", "format": "date"}),
        ({"items": {"$ref": "#/$defs/x"}}, {"items": {}}),
        (False, {"type": "string"}),
        ({"type": "string"}, True),
    ],
)
def test_what_widens_or_only_says_more_breaks_nobody(old: Any, new: Any) -> None:
    assert compared(at(old), at(new)) == []


def test_a_new_property_that_nobody_must_send_breaks_nobody() -> None:
    assert compared(at({}), {"properties": {"a": {}, "b": {"type": "string"}}}) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {"pattern": "a"}),
        ({"pattern": "a"}, {"pattern": "b"}),
        ({"anyOf": [{"type": "string"}]}, {"anyOf": [{"type": "string"}, {"type": "number"}]}),
        ({}, {"not": {"type": "string"}}),
        ({}, {"dependentRequired": {"a": ["b"]}}),
        ({}, {"$dynamicRef": "#x"}),
    ],
)
def test_what_cannot_be_decided_warns(old: Any, new: Any) -> None:
    assert compared(at(old), at(new)) == ["warning At /a"]


def test_schemas_that_contain_themselves_are_compared_once_around() -> None:
    def tree(**more: Any) -> dict[str, Any]:
        return {"properties": {"child": {"$ref": "#"}, "kids": {"items": {"$ref": "#", "title": "t"}}}, **more}

    assert compared(tree(), tree(title="x")) == []
    assert compared(tree(), tree(required=["child"])).count("error At /child") == 1
    circle = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
    assert compared(circle, {"type": "object"}) != []


def test_without_an_active_version_or_schema_there_is_nothing_to_break() -> None:
    assert compared(None, {"required": ["a"]}, has_active_version=False) == []
    assert compared({"required": ["a"]}, None) == []
    assert compared(None, {"required": ["a"]}) == ["warning The active version takes any payload; whether its callers' "
                                                   "payloads fit this schema is not known."]  # fmt: skip
