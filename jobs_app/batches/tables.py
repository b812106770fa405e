"""CSV with a header row: a row is a payload, `customer.name` a value inside an object, `_reference` the reference."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jobs_app.batches.refusal import refused
from pdfservice.lib.errors import Fault

DELIMITERS = (",", ";", "\t")
MAX_COLUMNS = 1_000
_MAX_DEPTH = 16
_REFERENCE = "_reference"

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row as an item; `value` is None when it does not fit the header."""

    line: int
    value: dict[str, Any] | None
    faults: tuple[Fault, ...] = ()


def rows(data: bytes, delimiter: str = "") -> Iterator[Row]:
    """Return the rows below the header. Values stay strings, empty rows are left out.

    Without a `delimiter` it is the one of comma, semicolon and tab that the header has most of. Raises WorkRefused for
    a file that is no such table, also while rows are being read.
    """
    text = _decoded(data)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or _sniffed(text), strict=True)
    paths: list[Path] | None = None
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if paths is None:
                    paths = _header(cells)
                else:
                    yield _row(paths, cells, line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise refused("payload_error", f"The file is not CSV: {error}, at line {reader.line_num}.") from error
    if paths is None:
        raise refused("payload_error", "The file has no header row.")


def _decoded(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refused("payload_error", f"The file is not UTF-8: byte {error.start} cannot be read.") from error
    if "\0" in text:
        raise refused(
            "payload_error", f"The file holds a NUL character, at line {text[: text.index(chr(0))].count(chr(10)) + 1}."
        )
    return text


def _sniffed(text: str) -> str:
    header = text.lstrip("\r\n").split("\n", 1)[0]
    outside_quotes = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=outside_quotes.count)


def _header(cells: Sequence[str]) -> list[Path]:
    if len(cells) > MAX_COLUMNS:
        raise refused("too_large", f"The header has {len(cells)} columns; at most {MAX_COLUMNS} are allowed.")
    paths = [_path(cell.strip(), column) for column, cell in enumerate(cells, 1)]
    known: set[Path] = set()
    for path in paths:
        if path in known:
            raise refused("payload_error", f"The header names {'.'.join(path)!r} twice.")
        known.add(path)
    for path in paths:
        for length in range(1, len(path)):
            if path[:length] in known:
                both = f"{'.'.join(path[:length])!r} and {'.'.join(path)!r}"
                raise refused("payload_error", f"The header names {both}: it cannot be a text and an object at once.")
    return paths


def _path(name: str, column: int) -> Path:
    path = (name,) if name == _REFERENCE else tuple(name.split("."))
    if not all(path):
        raise refused("payload_error", f"Column {column} of the header has no proper name: {name[:100]!r}.")
    if len(path) > _MAX_DEPTH:
        raise refused("payload_error", f"Column {column} of the header is nested deeper than {_MAX_DEPTH} levels.")
    return path


def _row(paths: Sequence[Path], cells: Sequence[str], line: int) -> Row:
    if len(cells) != len(paths):
        message = f"The row has {len(cells)} values, the header {len(paths)} columns."
        return Row(line, None, (Fault("", message),))
    payload: dict[str, Any] = {}
    value: dict[str, Any] = {"payload": payload}
    for path, cell in zip(paths, cells, strict=True):
        if path == (_REFERENCE,):
            value["reference"] = cell
            continue
        inner = payload
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = cell
    return Row(line, value)
