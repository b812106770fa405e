"""Payloads against schemas: every fault with its pointer, and no schema that holds up a web process."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from pdfservice.lib.errors import ServiceError
from pdfservice.teams.models import Team
from templates_app import payloads, renderer_pools
from templates_app.models import TemplateVersion
from templates_app.payloads import payload_faults
from templates_app.renderer import schemas
from templates_app.renderer.contracts import RenderLimits
from templates_app.renderer.sandbox import Sandbox
from templates_app.renderer_pools import SandboxPool, SchemaSandbox
from templates_app.schema_cost import schema_cost
from tests.templates.test_versions import publish

ORDER = {
    "type": "object",
    "required": ["number", "items"],
    "additionalProperties": False,
    "properties": {
        "number": {"type": "string", "pattern": "^[0-9]+$"},
        "items": {"type": "array", "items": {"$ref": "#/$defs/item"}},
    },
    "$defs": {"item": {"type": "object", "required": ["price"], "properties": {"price": {"type": "number"}}}},
}
# Each level tries both branches, each of which tries both: 2^depth visits.
EXPONENTIAL = {"anyOf": [{"properties": {"a": {"$ref": "#"}}, "required": ["x"]}] * 2, "type": "object"}
TREE = {"properties": {"children": {"items": {"$ref": "#"}}, "name": {"type": "string"}}, "required": ["name"]}


@pytest.fixture
def version(acme: Team) -> Callable[[Any], TemplateVersion]:
    """Publish a version with a schema."""
    numbers = itertools.count()
    return lambda schema: publish(acme, f"v{next(numbers)}", payload_schema=schema)


def found(version: TemplateVersion, payload: Any) -> set[tuple[str, str]]:
    """Return pointers and messages."""
    return {(fault.pointer, fault.message) for fault in payload_faults(version, payload)}


@pytest.fixture
def no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail whatever asks a child."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a child was asked")

    monkeypatch.setattr(renderer_pools.schema_pool, "perform", refuse)


@pytest.mark.usefixtures("no_child")
def test_a_payload_that_fits_a_plain_schema_needs_no_other_process(version: Callable[[Any], TemplateVersion]) -> None:
    assert payload_faults(version(ORDER), {"number": "7", "items": [{"price": 1.5}] * 500}) == []


@pytest.mark.usefixtures("no_child")
def test_a_payload_that_might_take_long_is_never_checked_here(
    version: Callable[[Any], TemplateVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payloads, "_MAX_STEPS", 1000)
    order = version(ORDER)
    assert payload_faults(order, {"number": "7", "items": []}) == []
    with pytest.raises(AssertionError, match="a child was asked"):
        payload_faults(order, {"number": "7", "items": [{"price": 1}] * 100})


@pytest.mark.usefixtures("no_child")
def test_a_version_without_a_schema_takes_anything(version: Callable[[Any], TemplateVersion]) -> None:
    assert payload_faults(version(None), {"anything": [1, None, "x"]}) == []


def test_all_faults_are_told_with_their_pointers(version: Callable[[Any], TemplateVersion]) -> None:
    payload = {"number": "x", "items": [{"price": 1}, {"price": "2"}, {}], "a/b~c": 1}
    assert found(version(ORDER), payload) == {
        ("/payload/number", 'The value does not match "^[0-9]+$"'),
        ("/payload/items/1/price", 'The value is not of type "number"'),
        ("/payload/items/2/price", "This property is required."),
        ("/payload/a~1b~0c", "There is no such property in the schema."),
    }


def test_thousands_of_faults_are_counted_not_listed(version: Callable[[Any], TemplateVersion]) -> None:
    faults = payload_faults(version(ORDER), {"number": "1", "items": [{}] * 5000})
    assert len(faults) == schemas.MAX_FAULTS + 1
    assert faults[-1].message == "There are 4900 more faults."


def test_recursive_schemas_are_checked_in_a_child(version: Callable[[Any], TemplateVersion]) -> None:
    tree = version(TREE)
    assert payload_faults(tree, {"name": "a", "children": [{"name": "b", "children": [{"name": "c"}]}]}) == []
    assert found(tree, {"name": "a", "children": [{"children": []}]}) == {
        ("/payload/children/0/name", "This property is required.")
    }


def test_an_exponential_schema_is_given_up_and_holds_up_nobody_else(
    version: Callable[[Any], TemplateVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = RenderLimits(timeout_s=0.5, memory_mb=256, output_mb=1)
    pool = SandboxPool(
        lambda: SchemaSandbox(scratch_root=settings.DATA_DIR / "scratch", limits=limits),
        size=2,
        wait_s=10,
    )
    monkeypatch.setattr(payloads, "schema_pool", pool)
    deep: dict[str, Any] = {}
    for _ in range(40):
        deep = {"a": deep}
    hostile, honest = version(EXPONENTIAL), version(TREE)
    try:
        with pool.lease("another team"):  # so that the hostile one gets the other sandbox
            ((where, why),) = found(hostile, deep)
            assert where == "/payload"
            assert why.startswith("Checking the payload against the schema takes too")  # long, or much memory
        assert payload_faults(honest, {"name": "a"}) == []
    finally:
        pool.close()


def test_one_team_never_holds_every_sandbox_and_waits_only_so_long() -> None:
    pool = SandboxPool(lambda: object.__new__(Sandbox), size=2, wait_s=0.01)
    with pool.lease("acme"):
        with pytest.raises(ServiceError) as refused, pool.lease("acme"):
            pass
        with pool.lease("umbrella"):
            pass
    assert (refused.value.status, refused.value.code) == (429, "busy")
    with pool.lease("acme"):
        pass


def test_who_waits_gets_the_sandbox_that_becomes_free() -> None:
    pool = SandboxPool(lambda: object.__new__(Sandbox), size=1, wait_s=10)
    waiting, served = threading.Event(), threading.Event()

    def wait_for_it() -> None:
        waiting.set()
        with pool.lease("umbrella"):
            served.set()

    with pool.lease("acme"):
        thread = threading.Thread(target=wait_for_it)
        thread.start()
        assert waiting.wait(10)
        assert not served.is_set()
    thread.join(10)
    assert served.is_set()


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        EXPONENTIAL,
        {"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "#anchor", "$defs": {"x": {"$anchor": "anchor"}}},
        {"$dynamicRef": "#x"},
        {"unevaluatedProperties": False},
        {"properties": {"a": {"$id": "inner", "$ref": "#/x"}}},
        {"pattern": "(a{1,100}){1,100}"},
        {"pattern": "a" * 201},
        {"format": "regex"},
        {"enum": [1] * 20_001},
        # Twice itself, twenty times over: a million parts.
        {
            "$ref": "#/$defs/20",
            "$defs": {"0": {}, **{str(n): {"allOf": [{"$ref": f"#/$defs/{n - 1}"}] * 2} for n in range(1, 21)}},
        },
    ],
)
def test_what_cannot_be_proven_to_be_quick_is_not(schema: dict[str, Any]) -> None:
    assert schema_cost(schema) is None


def test_a_property_that_is_called_like_a_keyword_is_counted() -> None:
    for name in ("$defs", "definitions", "enum", "pattern"):
        small = schema_cost({"properties": {name: {}}})
        large = schema_cost({"properties": {name: {"allOf": [{}] * 50}}})
        assert small is not None
        assert large is not None
        assert large.parts > small.parts + 50


def test_the_bound_grows_with_schema_payload_and_pattern() -> None:
    costs = [schema_cost({"items": {"allOf": [{"minimum": 1}] * parts}}) for parts in (1, 100)]
    assert costs[0] is not None
    assert costs[1] is not None
    assert costs[1].steps("[1,2]") > 20 * costs[0].steps("[1,2]")
    assert costs[0].steps("[" + "1," * 999 + "1]") > 100 * costs[0].steps("[1]")
    pattern = schema_cost({"pattern": "a{500}"})
    assert pattern is not None
    assert pattern.steps('"' + "a" * 1000 + '"') > 500_000


FORMATS = {
    "date": ("2026-02-28", "2026-02-30"),
    "time": ("10:00:00Z", "10:00"),
    "date-time": ("2026-01-01T00:00:00+01:00", "2026-01-01"),
    "duration": ("P1DT2H", "1 day"),
    "email": ("ada@example.com", "ada"),
    "idn-email": ("ада@пример.рф", "ada"),
    "hostname": ("example.com", "a_b.example"),
    "idn-hostname": ("пример.рф", "a b"),
    "ipv4": ("192.0.2.1", "192.0.2.256"),
    "ipv6": ("2001:db8::1", "2001:db8"),
    "uri": ("https://example.com/a", "/a b"),
    "uri-reference": ("/a", "/a b"),
    "iri": ("https://пример.рф/", "/a b"),
    "iri-reference": ("/ä", "/a b"),
    "uuid": ("123e4567-e89b-12d3-a456-426614174000", "123e4567"),
    "uri-template": ("/a/{b}", "/a/{b"),
    "json-pointer": ("/a/0", "a"),
    "relative-json-pointer": ("1/a", "/a"),
    "regex": ("a+", "a("),
}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_known_format_is_checked_and_only_of_texts(name: str) -> None:
    fits, unfit = FORMATS[name]
    validator = schemas.compile_schema({"items": {"format": name}})
    ((where, message),) = schemas.faults(validator, [fits, unfit, 7, None])
    assert (where, message) == ("/1", f'The value is not a "{name}"')


def test_the_formats_that_are_documented_are_those_that_are_checked() -> None:
    assert set(FORMATS) == schemas.FORMATS
    text = (settings.BASE_DIR / "docs/publishing.md").read_text()
    assert [name for name in FORMATS if f"`{name}`" not in text] == []


def test_a_format_of_ones_own_is_a_remark() -> None:
    assert schemas.faults(schemas.compile_schema({"format": "money"}), "x") == []


@pytest.mark.usefixtures("no_child")
def test_a_format_is_checked_here_where_that_is_quick(version: Callable[[Any], TemplateVersion]) -> None:
    due = version({"properties": {"due": {"type": "string", "format": "date"}}})
    assert payload_faults(due, {"due": "2026-12-24"}) == []
    with pytest.raises(AssertionError, match="a child was asked"):
        payload_faults(due, {"due": "x" * 3_000_000})


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/x", "file:///etc/passwd", "other.json", "#/nowhere"])
def test_a_reference_never_leaves_the_schema(target: str) -> None:
    with pytest.raises(schemas.SchemaInvalid):
        schemas.compile_schema({"properties": {"a": {"$ref": target}}})


def test_a_schema_file_of_this_machine_is_not_read(tmp_path: Path) -> None:
    elsewhere = tmp_path / "schema.json"
    elsewhere.write_text('{"type": "string"}')
    with pytest.raises(schemas.SchemaInvalid):
        schemas.compile_schema({"$ref": elsewhere.as_uri()})


def test_a_schema_that_somebody_serves_is_not_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        with pytest.raises(schemas.SchemaInvalid):
            schemas.compile_schema({"$ref": f"http://127.0.0.1:{port}/schema.json"})
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize("pattern", ["(?=a)b", r"(a)\1", "(a", "((a{1,999}){1,999}){1,999}"])
def test_only_patterns_that_run_in_linear_time_are_patterns(pattern: str) -> None:
    with pytest.raises(schemas.SchemaInvalid) as refused:
        schemas.compile_schema({"properties": {"a": {"pattern": pattern}}})
    assert refused.value.path == ("properties", "a", "pattern")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(_JSON, _JSON)
def test_garbage_as_a_schema_is_refused_or_used_and_never_crashes(schema: Any, payload: Any) -> None:
    schema_cost(schema)
    try:
        validator: jsonschema_rs.Draft202012Validator = schemas.compile_schema(schema)
    except schemas.SchemaInvalid:
        return
    schemas.faults(validator, payload)
