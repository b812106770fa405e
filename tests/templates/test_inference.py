"""The schema that a version without one is offered."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdfservice.teams.models import Team
from templates_app.inference import schema_inferred, version_offer_schema
from templates_app.models import TemplateVersion
from tests.templates.conftest import Author
from tests.templates.test_versions import publish

PAYLOAD = {"name": "Ada", "items": [{"price": 1.5}, {"price": 2, "note": None}], "by_mail": {"ada@example.com": 1}}


def test_it_tells_types_and_names_and_no_values() -> None:
    schema = schema_inferred(json.dumps(PAYLOAD))
    assert schema["required"] == ["by_mail", "items", "name"]
    assert schema["properties"]["name"] == {"type": "string"}
    assert schema["properties"]["items"]["items"] == {
        "type": "object",
        "properties": {"price": {"type": "number"}, "note": {}},
        "required": ["price"],
    }
    assert "Ada" not in json.dumps(schema)


def test_keys_that_are_data_are_not_kept() -> None:
    schema = schema_inferred(json.dumps(PAYLOAD))
    assert schema["properties"]["by_mail"] == {"type": "object"}
    many = {f"k{number}": 1 for number in range(101)}
    assert "properties" not in schema_inferred(json.dumps(many))


def test_one_that_is_too_large_says_only_that_it_is_an_object() -> None:
    large = json.dumps({"a": "x" * (256 << 10)})
    assert schema_inferred(large) == {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}


_NAMES = st.text(max_size=8)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
)


@given(st.dictionaries(_NAMES, _JSON, max_size=4))
def test_the_payload_that_it_came_from_always_fits(payload: dict[str, Any]) -> None:
    schema = schema_inferred(json.dumps(payload))
    assert jsonschema_rs.Draft202012Validator(schema).is_valid(payload)


def test_it_is_offered_once_and_only_where_there_is_no_schema(acme: Team) -> None:
    version = publish(acme)
    assert version_offer_schema(version=version, payload='{"name": "Ada"}')
    assert not version_offer_schema(version=version, payload='{"other": 1}')
    version.refresh_from_db()
    assert version.inferred_schema is not None
    assert set(version.inferred_schema["properties"]) == {"name"}
    strict = publish(acme, "strict", payload_schema={"type": "object"})
    assert not version_offer_schema(version=strict, payload='{"name": "Ada"}')
    assert TemplateVersion.objects.get(pk=strict.pk).inferred_schema is None


def test_it_is_shown_and_not_imposed(author: Author) -> None:
    author.published()
    version_offer_schema(version=TemplateVersion.objects.get(), payload='{"name": "Ada"}')
    shown = author.get("/versions/1").json()
    assert shown["payload_schema"] is None
    assert shown["inferred_schema"]["required"] == ["name"]
    response = author.member.api.post("/pdf/generate", {"template": "letter", "payload": {"x": 1}}, format="json")
    assert response.status_code == 202


@pytest.mark.parametrize("schema", [None, {"type": "object"}])
def test_a_copy_takes_no_offer_along(author: Author, schema: Any) -> None:
    author.published(payload_schema=schema)
    version_offer_schema(version=TemplateVersion.objects.get(), payload='{"name": "Ada"}')
    assert author.post("/versions", {"copy_of": 1}).json()["inferred_schema"] is None
