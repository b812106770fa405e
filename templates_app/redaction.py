"""Payloads as people may see them: what a schema marks `"x-redact": true` is masked, at any depth.

Where nothing is known of a value, because there is no schema or it does not name the value, the mark cannot be there
either; so a payload without a schema shows its shape and none of its texts and numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

MASK = "•••"
_MANY = ("allOf", "anyOf", "oneOf")
_ONE = ("if", "then", "else", "$ref", "$dynamicRef")


def redacted(payload: Any, schema: Any) -> Any:
    """Return `payload` with every value masked that `schema` marks; without a schema, all values."""
    if not isinstance(schema, dict):
        return _shape(payload)
    return _Redaction(schema).of(payload, [schema])


def _shape(value: Any) -> Any:
    match value:
        case dict():
            return {key: _shape(inner) for key, inner in value.items()}
        case list():
            return [_shape(inner) for inner in value]
    return MASK


class _Redaction:
    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root

    def of(self, value: Any, schemas: Iterable[Any]) -> Any:
        """Return `value` masked, where `schemas` all have something to say about it."""
        told = list(self._expanded(schemas))
        if any(schema.get("x-redact") is True for schema in told):
            return MASK
        match value:
            case dict():
                return {key: self.of(inner, self._of_property(told, key)) for key, inner in value.items()}
            case list():
                return [self.of(inner, self._of_item(told, index)) for index, inner in enumerate(value)]
        return value

    def _expanded(self, schemas: Iterable[Any]) -> Iterator[dict[str, Any]]:
        """Yield the schemas and all that they refer to or combine; each once, so that circles end."""
        waiting, seen = list(schemas), set()
        while waiting:
            schema = waiting.pop()
            if not isinstance(schema, dict) or id(schema) in seen:
                continue
            seen.add(id(schema))
            yield schema
            for name in _MANY:
                waiting += schema[name] if isinstance(schema.get(name), list) else []
            for name in _ONE:
                inner = schema.get(name)
                waiting.append(self._target(inner) if isinstance(inner, str) else inner)
            dependent = schema.get("dependentSchemas")
            waiting += dependent.values() if isinstance(dependent, dict) else []

    def _target(self, reference: str) -> Any:
        """Return what a reference within the schema points at; None for what it does not find."""
        if not reference.startswith("#"):
            return None
        pointer = reference[1:]
        if pointer and not pointer.startswith("/"):
            return next(self._anchored(self._root, pointer), None)
        target: Any = self._root
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(target, list) and key.isdigit() and int(key) < len(target):
                target = target[int(key)]
            elif isinstance(target, dict):
                target = target.get(key)
            else:
                return None
        return target

    def _anchored(self, schema: Any, anchor: str) -> Iterator[Any]:
        if isinstance(schema, dict):
            if anchor in (schema.get("$anchor"), schema.get("$dynamicAnchor")):
                yield schema
            for inner in schema.values():
                yield from self._anchored(inner, anchor)
        elif isinstance(schema, list):
            for inner in schema:
                yield from self._anchored(inner, anchor)

    @staticmethod
    def _of_property(told: list[dict[str, Any]], key: str) -> Iterator[Any]:
        for schema in told:
            named = schema.get("properties")
            if isinstance(named, dict) and key in named:
                yield named[key]
            # Patterns are the author's, and are not run here: what one of them marks, any key may be.
            patterns = schema.get("patternProperties")
            if isinstance(patterns, dict):
                yield from patterns.values()
            if not (isinstance(named, dict) and key in named):
                yield schema.get("additionalProperties")
                yield schema.get("unevaluatedProperties")

    @staticmethod
    def _of_item(told: list[dict[str, Any]], index: int) -> Iterator[Any]:
        for schema in told:
            first = schema.get("prefixItems")
            if isinstance(first, list) and index < len(first):
                yield first[index]
            else:
                yield schema.get("items")
                yield schema.get("unevaluatedItems")
            yield schema.get("contains")
