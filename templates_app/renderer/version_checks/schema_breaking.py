"""The schema must not break callers of the active version: what they send today has to fit tomorrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from templates_app.renderer import schemas
from templates_app.renderer.findings import Finding, error, warning
from templates_app.renderer.version_checks.subject import Subject

_TYPES = frozenset({"null", "boolean", "object", "array", "number", "string", "integer"})
_LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")
_UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")
# Whether these narrow cannot be told from their text.
_UNDECIDED = (
    "pattern", "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas", "contains", "allOf",
    "anyOf", "oneOf", "not", "if", "then", "else", "unevaluatedProperties", "unevaluatedItems", "$ref", "$dynamicRef",
)  # fmt: skip

# What fits the first of these formats fits the second.
_WIDER_FORMATS = frozenset({
    ("email", "idn-email"), ("hostname", "idn-hostname"), ("uri", "iri"), ("uri", "uri-reference"),
    ("uri", "iri-reference"), ("iri", "iri-reference"), ("uri-reference", "iri-reference"),
})  # fmt: skip

_LONGEST_CHAIN = 32

Path = tuple[str | int, ...]


def check(subject: Subject) -> Iterator[Finding]:
    """Yield `schema_breaking` for what certainly narrows, `schema_undecided` for what may."""
    if not subject.has_active_version or subject.payload_schema is None:
        return
    if subject.active_schema is None:
        message = "The active version takes any payload; whether its callers' payloads fit this schema is not known."
        yield warning("schema_undecided", message, "payload_schema")
        return
    yield from _Comparison(subject.active_schema, subject.payload_schema).compare()


class _Comparison:
    def __init__(self, old: Any, new: Any) -> None:
        self._old = old
        self._new = new
        self._seen: set[tuple[int, int]] = set()
        # By the id of what was resolved: so that equal places stay the same object, and circles end.
        self._resolved: dict[int, Any] = {}

    def compare(self) -> Iterator[Finding]:
        """Compare from the top."""
        yield from self._schemas(self._old, self._new, ())

    def _schemas(self, old: Any, new: Any, path: Path) -> Iterator[Finding]:
        old, new = self._resolve(self._old, old), self._resolve(self._new, new)
        if old == new or (id(old), id(new)) in self._seen or old is False or new is True or new == {}:
            return
        self._seen.add((id(old), id(new)))
        if new is False:
            yield _breaking(path, "nothing is allowed here any more")
            return
        if not isinstance(old, dict) or not isinstance(new, dict):
            old = {} if old is True else old
            if not isinstance(old, dict) or not isinstance(new, dict):
                yield _undecided(path, "the schema")
                return
        yield from _values(old, new, path)
        yield from _format(old, new, path)
        yield from _bounds(old, new, path)
        yield from self._objects(old, new, path)
        yield from self._arrays(old, new, path)
        for keyword in _UNDECIDED:
            if keyword in new and old.get(keyword) != new[keyword]:
                yield _undecided(path, keyword)

    def _resolve(self, root: Any, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return schema
        if id(schema) not in self._resolved:
            self._resolved[id(schema)] = _follow(root, schema)
        return self._resolved[id(schema)]

    def _objects(self, old: dict[str, Any], new: dict[str, Any], path: Path) -> Iterator[Finding]:
        for name in _names(new.get("required")):
            if name not in _names(old.get("required")):
                yield _breaking((*path, name), "this property is required now")
        before, after = _mapping(old.get("properties")), _mapping(new.get("properties"))
        for name, schema in before.items():
            if name in after:
                yield from self._schemas(schema, after[name], (*path, name))
            else:
                yield _breaking((*path, name), "this property was removed")
        rest_before, rest_after = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if rest_after is False and rest_before is not False:
            yield _breaking(path, "other properties are refused now")
        elif rest_before is not False:
            yield from self._schemas(rest_before, rest_after, (*path, "*"))

    def _arrays(self, old: dict[str, Any], new: dict[str, Any], path: Path) -> Iterator[Finding]:
        if new.get("uniqueItems") is True and old.get("uniqueItems") is not True:
            yield _breaking(path, "items must be unique now")
        before, after = _list(old.get("prefixItems")), _list(new.get("prefixItems"))
        rest_before, rest_after = old.get("items", True), new.get("items", True)
        for index in range(max(len(before), len(after))):
            one = before[index] if index < len(before) else rest_before
            other = after[index] if index < len(after) else rest_after
            yield from self._schemas(one, other, (*path, index))
        yield from self._schemas(rest_before, rest_after, (*path, "*"))


def _values(old: dict[str, Any], new: dict[str, Any], path: Path) -> Iterator[Finding]:
    lost = _types(old) - _types(new)
    if lost:
        yield _breaking(path, f"the type no longer allows {', '.join(sorted(lost))}")
    after = _allowed(new)
    if after is not None:
        before = _allowed(old)
        if before is None or any(value not in after for value in before):
            yield _breaking(path, "fewer values are allowed (enum or const)")


def _format(old: dict[str, Any], new: dict[str, Any], path: Path) -> Iterator[Finding]:
    before, after = str(old.get("format")), str(new.get("format"))
    narrower = after in schemas.FORMATS and after != before and (before, after) not in _WIDER_FORMATS
    if narrower and "string" in _types(old) & _types(new):
        yield _breaking(path, f"texts must be of the format {after} now")


def _bounds(old: dict[str, Any], new: dict[str, Any], path: Path) -> Iterator[Finding]:
    for keywords, sign in ((_LOWER_BOUNDS, 1), (_UPPER_BOUNDS, -1)):
        for keyword in keywords:
            before, after = _number(old.get(keyword)), _number(new.get(keyword))
            if after is not None and (before is None or sign * after > sign * before):
                if keyword.startswith("min") and keyword != "minimum" and after <= 0:
                    continue  # no length is below nothing
                yield _breaking(path, f"{keyword} is narrower now")
    step, step_before = _number(new.get("multipleOf")), _number(old.get("multipleOf"))
    if step and (step_before is None or step_before % step != 0):
        yield _breaking(path, "multipleOf is narrower now")


def _types(schema: dict[str, Any]) -> set[str]:
    given = schema.get("type")
    types = set(_TYPES) if given is None else {given} if isinstance(given, str) else set(_names(given))
    return types | {"integer"} if "number" in types else types


def _allowed(schema: dict[str, Any]) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return _list(schema["enum"]) if "enum" in schema else None


def _follow(root: Any, schema: Any) -> Any:
    """Return what a reference within `root` leads to, together with what stands beside it."""
    for _ in range(_LONGEST_CHAIN):
        if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
            return schema
        target: Any = root
        for token in schema["$ref"].removeprefix("#").split("/")[1:]:
            name = token.replace("~1", "/").replace("~0", "~")
            target = target.get(name) if isinstance(target, dict) else None
        beside = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
        if not beside:
            schema = target
        elif isinstance(target, dict) and beside.keys().isdisjoint(target):
            schema = {**target, **beside}
        else:
            return schema
    return schema


def _breaking(path: Path, what: str) -> Finding:
    return error("schema_breaking", f"At {schemas.pointer(list(path)) or 'the top'}: {what}.", "payload_schema")


def _undecided(path: Path, keyword: str) -> Finding:
    where = schemas.pointer(list(path)) or "the top"
    message = f"At {where}: {keyword} changed; whether callers of the active version still fit was not decided."
    return warning("schema_undecided", message, "payload_schema")


def _names(value: Any) -> list[str]:
    return [name for name in _list(value) if isinstance(name, str)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
