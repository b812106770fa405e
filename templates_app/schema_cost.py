"""How long a schema can take at worst, where that can be proven from its text.

Without cycles of references each part of a schema meets each value of a payload at most once for each place where the
part stands. So the work is bounded by parts times values. What defeats this proof (recursion, dynamic references,
`unevaluated…`, patterns with large repetitions) has no bound here, and is checked elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

# More than any schema that people write; what is larger may take its time in a child.
_MAX_PARTS = 20_000
_MAX_REPETITIONS = 1_000
_MAX_PATTERN_CHARS = 200
_MAX_PATTERNS = 100
_DATA = frozenset({"const", "enum", "default", "examples"})
_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas"})
_DEFINITIONS = frozenset({"$defs", "definitions"})
_UNPROVABLE = frozenset({"$dynamicRef", "$recursiveRef", "unevaluatedProperties", "unevaluatedItems"})
# Checks of one character that cost more than a pattern's: measured up to 0.2 µs for the first two, 0.05 for others.
_FORMAT_CHARS = {"idn-hostname": 8, "idn-email": 8}
_OTHER_FORMAT_CHARS = 2
_REPETITION = re.compile(r"\{(\d*),?(\d*)\}")


@dataclass(frozen=True, slots=True)
class SchemaCost:
    """Parts of a schema with its references written out, and the size of its patterns written out likewise."""

    parts: int
    pattern_chars: int

    def steps(self, payload: str) -> int:
        """Return how many elementary checks `payload` (JSON text) can take at most, each some 25 ns."""
        # Every value follows one of these, every name ends in a colon; within strings they only count too much.
        values = 1 + sum(map(payload.count, ",[{:"))
        return self.parts * values + self.pattern_chars * len(payload)


class _Unprovable(Exception):
    pass


def schema_cost(schema: Any) -> SchemaCost | None:
    """Return what `schema` can cost; None where nothing can be proven."""
    counter = _Counter(schema)
    try:
        counter.visit(schema, ())
    except (_Unprovable, RecursionError):
        return None
    return SchemaCost(counter.parts, counter.pattern_chars)


class _Counter:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._patterns = 0
        self.parts = 0
        self.pattern_chars = 0

    def visit(self, node: Any, inside: tuple[str, ...]) -> None:
        """Count the schema `node` and what it refers to; `inside` are the references that are being followed."""
        self._count()
        if isinstance(node, list):
            for item in node:
                self.visit(item, inside)
        elif isinstance(node, dict):
            if not _UNPROVABLE.isdisjoint(node) or ("$id" in node and node is not self._root):
                raise _Unprovable
            for keyword, value in node.items():
                self._visit_keyword(keyword, value, inside)

    def _visit_keyword(self, keyword: str, value: Any, inside: tuple[str, ...]) -> None:
        if keyword == "$ref":
            self._follow(value, inside)
        elif keyword == "pattern":
            self._weigh(value)
        elif keyword == "format":
            self._weigh_format(value)
        elif keyword in _MAPS and isinstance(value, dict):
            for name, schema in value.items():
                if keyword == "patternProperties":
                    self._weigh(name)
                self.visit(schema, inside)
        elif keyword in _DATA:
            self._count_data(value)
        elif keyword not in _DEFINITIONS:  # those are counted where they are used
            self.visit(value, inside)

    def _follow(self, target: Any, inside: tuple[str, ...]) -> None:
        if not isinstance(target, str) or not target.startswith("#/") or target in inside:
            raise _Unprovable  # elsewhere, an anchor, or a circle
        node = self._root
        for token in unquote(target[2:]).split("/"):
            name = token.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, dict) or name not in node:
                raise _Unprovable
            node = node[name]
        self.visit(node, (*inside, target))

    def _weigh(self, pattern: Any) -> None:
        text = str(pattern)
        repetitions = 1
        for bounds in _REPETITION.findall(text):
            repetitions *= max(1, *(int(bound) if len(bound) < 6 else 10**6 for bound in bounds if bound), 1)
        self._patterns += 1
        if self._patterns > _MAX_PATTERNS or len(text) > _MAX_PATTERN_CHARS or repetitions > _MAX_REPETITIONS:
            raise _Unprovable
        self.pattern_chars += len(text) * repetitions

    def _weigh_format(self, name: Any) -> None:
        if name == "regex":
            raise _Unprovable  # a payload's pattern is compiled, which takes memory
        self.pattern_chars += _FORMAT_CHARS.get(str(name), _OTHER_FORMAT_CHARS)

    def _count_data(self, value: Any) -> None:
        self._count()
        if isinstance(value, list | dict):
            for inner in value.values() if isinstance(value, dict) else value:
                self._count_data(inner)

    def _count(self) -> None:
        self.parts += 1
        if self.parts > _MAX_PARTS:
            raise _Unprovable
