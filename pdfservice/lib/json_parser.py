"""JSON as other programs can read it again: size checked before parsing, and no NaN, deep nesting or doubled keys."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from django.http import HttpRequest
from rest_framework.parsers import BaseParser

from pdfservice.lib.errors import ServiceError, malformed

MAX_DEPTH = 64
# What a request carries around its payload: names, options, metadata.
ENVELOPE_BYTES = 64 << 10


class StrictJSONParser(BaseParser):
    """DRF's door to `parse_json`; refuses a body over `MAX_PAYLOAD_BYTES` before reading it."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the parsed body of the request."""
        limit = self.limit()
        refuse_oversized((parser_context or {})["request"], limit + ENVELOPE_BYTES, says=limit)
        body = stream.read(limit + ENVELOPE_BYTES + 1)
        if len(body) > limit + ENVELOPE_BYTES:
            raise too_large(limit)
        return parse_json(body)

    def limit(self) -> int:
        """Return how many bytes a body may have besides its envelope."""
        return int(settings.MAX_PAYLOAD_BYTES)


def refuse_oversized(request: HttpRequest, limit: int, *, says: int) -> None:
    """Raise ServiceError (413), which `says` a limit, when the request's body is declared longer than `limit` bytes."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if declared.isdigit() and int(declared) > limit:
        raise too_large(says)


def too_large(limit: int) -> ServiceError:
    """Return the refusal of a payload over `limit` bytes."""
    return ServiceError(413, "too_large", f"The payload is over the limit of {limit} bytes.")


def parse_json(body: bytes) -> Any:
    """Parse JSON text in UTF-8; raise ServiceError (400) for what is not JSON or what not every reader can hold."""
    try:
        text = body.decode("utf-8")
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_doubled)
        _refuse_deep_and_broken(value)
    except UnicodeDecodeError as error:
        raise malformed(f"The body is not UTF-8: byte {error.start} cannot be read.") from error
    except json.JSONDecodeError as error:
        raise malformed(f"The body is not JSON: {error.msg}, line {error.lineno}, column {error.colno}.") from error
    except RecursionError as error:
        raise malformed(f"The body is nested deeper than {MAX_DEPTH} levels.") from error
    except ValueError as error:  # a number with more digits than Python agrees to read
        raise malformed("The body holds a number with too many digits.") from error
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise malformed(f"The body holds {name}, which is not JSON.")


def _refuse_doubled(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        doubled, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise malformed(f"The body names {doubled[:100]!r} twice in one object.")
    return result


def _refuse_deep_and_broken(value: Any) -> None:
    """Walk without recursion: depth, and text that UTF-8 (a lone surrogate) or PostgreSQL (NUL) cannot hold."""
    depth, level = 0, [value]
    while level:
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.keys())
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str):
                _refuse_broken_text(item)
            elif isinstance(item, int | float) and abs(item) > sys.float_info.max:
                raise malformed("The body holds a number that is too large.")
            if isinstance(item, dict | list) and depth == MAX_DEPTH:
                raise malformed(f"The body is nested deeper than {MAX_DEPTH} levels.")
        depth, level = depth + 1, below


def _refuse_broken_text(text: str) -> None:
    if text.isascii() and "\0" not in text:
        return
    if "\0" in text:
        raise malformed("The body holds a NUL character (\\u0000) in a string.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise malformed("The body holds half a surrogate pair (\\ud800 to \\udfff) in a string.") from error
