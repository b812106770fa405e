"""The payload as plain data, read more strictly than Python's json does by itself."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from templates_app.renderer.contracts import ErrorCode, RenderError

_MAX_VALUES_SEARCHED = 200_000


def parse_payload(payload: bytes) -> dict[str, Any]:
    """Return the payload's object; raise RenderError (payload_error) if it is not JSON or not an object."""
    try:
        values = json.loads(payload, parse_constant=_refuse_constant, parse_float=_float, parse_int=_int)
    except RecursionError as error:
        raise _payload_error("the payload is nested too deeply") from error
    except ValueError as error:
        raise _payload_error(f"the payload is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise _payload_error("the payload must be a JSON object")
    return values


def pointer_to(values: dict[str, Any], holder: object, name: object) -> str | None:
    """Return the JSON pointer (RFC 6901) of `name` in `holder`, an object or array within `values`; None if unknown.

    No `holder` means the payload itself.
    """
    if name is None:
        return None
    if holder is None:
        return f"/{_escape(name)}"
    pending: list[tuple[str, Any]] = [("", values)]
    for _ in range(_MAX_VALUES_SEARCHED):
        if not pending:
            return None
        path, value = pending.pop()
        if value is holder and isinstance(value, dict | list):
            return f"{path}/{_escape(name)}"
        if isinstance(value, dict):
            pending += [(f"{path}/{_escape(key)}", child) for key, child in value.items()]
        elif isinstance(value, list):
            pending += [(f"{path}/{index}", child) for index, child in enumerate(value)]
    return None


def trusted_texts(values: dict[str, Any], fields: Iterable[str]) -> frozenset[str]:
    """Return the texts that stand at `fields`, dotted paths in which `*` means every entry of a list.

    It is the content that is trusted, wherever the template prints it: what a loop or a partial calls it by does not
    matter, and a changed copy of it is trusted no longer.
    """
    return frozenset(
        value for path in fields for value in _values_at(values, path.split(".")) if isinstance(value, str)
    )


def _values_at(value: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        yield value
    elif path[0] == "*" and isinstance(value, list):
        for child in value:
            yield from _values_at(child, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from _values_at(value[path[0]], path[1:])


def _escape(token: object) -> str:
    return str(token).replace("~", "~0").replace("/", "~1")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"the number {digits[:40]} is too large")
    return number


def _int(digits: str) -> int:
    number = int(digits)
    # JavaScript reads any number as a float, and this one as Infinity.
    if abs(number) > sys.float_info.max:
        raise ValueError(f"the number {digits[:40]}… is too large")
    return number


def _payload_error(message: str) -> RenderError:
    return RenderError(ErrorCode.PAYLOAD_ERROR, message, permanent=True, path="")
