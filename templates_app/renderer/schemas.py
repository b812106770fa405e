"""JSON Schema 2020-12 as this service reads it: patterns run in linear time, and nothing is ever fetched."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import jsonschema_rs

# An error takes 27 µs to build and is built before it can be counted; nobody reads more of them.
MAX_FAULTS = 100
MAX_FAULT_CHARS = 300
# What `format` is checked for, each in time that grows with the text's length alone; any other is a remark.
FORMATS = frozenset({
    "date", "time", "date-time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6", "uri",
    "uri-reference", "iri", "iri-reference", "uri-template", "uuid", "json-pointer", "relative-json-pointer", "regex",
})  # fmt: skip
# Payloads are personal data and may be long: messages say where, not what.
_MASK = "The value"


class SchemaInvalid(Exception):
    """This is no schema that can be used; `path` leads to the place at fault within it."""

    def __init__(self, message: str, path: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.path = path


def compile_schema(schema: Any, *, pattern_kb: int = 10_240) -> jsonschema_rs.Draft202012Validator:
    """Return the validator of `schema`, each pattern compiled into at most `pattern_kb` KiB; raise SchemaInvalid."""
    if not isinstance(schema, dict | bool):
        raise SchemaInvalid("A schema is an object, or true or false.", ())
    try:
        return jsonschema_rs.Draft202012Validator(
            schema,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=pattern_kb << 10, dfa_size_limit=pattern_kb << 10),
            validate_formats=True,
            # By default it would fetch http: and read file: references.
            offline=True,
            mask=_MASK,
        )
    except jsonschema_rs.ValidationError as error:
        raise SchemaInvalid(error.message, tuple(error.instance_path)) from error
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise SchemaInvalid(str(error), ()) from error


def faults(validator: jsonschema_rs.Draft202012Validator, payload: Any) -> list[tuple[str, str]]:
    """Return JSON pointer and message of what in `payload` does not fit, at most MAX_FAULTS and one that counts."""
    errors = list(validator.iter_errors(payload))
    found = list(islice((fault for error in errors for fault in _faults_of(error)), MAX_FAULTS))
    if len(errors) > MAX_FAULTS:
        found.append(("", f"There are {len(errors) - MAX_FAULTS} more faults."))
    return found


def _faults_of(error: jsonschema_rs.ValidationError) -> Iterator[tuple[str, str]]:
    """Point at the property that is missing or too many, as the rest of the API does, not at its object."""
    path = list(error.instance_path)
    match error.kind:
        case jsonschema_rs.ValidationErrorKind.Required(property=name):
            yield pointer([*path, name]), "This property is required."
        case jsonschema_rs.ValidationErrorKind.AdditionalProperties(unexpected=names):
            for name in names:
                yield pointer([*path, name]), "There is no such property in the schema."
        case _:
            yield pointer(path), error.message[:MAX_FAULT_CHARS]


def pointer(path: list[str | int]) -> str:
    """Return a path as a JSON pointer (RFC 6901)."""
    return "".join(f"/{str(token).replace('~', '~0').replace('/', '~1')}" for token in path)
