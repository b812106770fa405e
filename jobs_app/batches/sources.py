"""The items of a batch as they were sent: an item a line as JSON, or rows of a table.

What is wrong with the whole (not UTF-8, no header, too many items) raises WorkRefused before anything is made; what is
wrong with one item becomes that item's faults.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jobs_app.batches import tables
from jobs_app.batches.refusal import refused
from jobs_app.models import Batch
from jobs_app.states import SourceFormat
from pdfservice.lib.errors import Fault, ServiceError
from pdfservice.lib.json_parser import parse_json
from pdfservice.lib.sealed import SealBroken, is_sealed, seal_bytes, unseal_bytes

MAX_ITEMS = 10_000
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class RawItem:
    """One item as it was sent. `value` is the item's object, None when `faults` say why there is none.

    `pointer` is where it stands in the request's body, empty for a line of a file.
    """

    position: int
    value: Any
    pointer: str = ""
    line: int | None = None
    faults: tuple[Fault, ...] = field(default=())


def seal_source(batch: Batch, data: bytes) -> bytes:
    """Return the items of a batch as they are stored: encrypted, for an item may name passwords."""
    return seal_bytes(data, purpose=_purpose(batch))


def unseal_source(batch: Batch, data: bytes) -> bytes:
    """Return what `seal_source` was given; raise WorkRefused when it cannot be read any more."""
    if not is_sealed(data):  # stored by a release that did not seal
        return data
    try:
        return unseal_bytes(data, purpose=_purpose(batch))
    except SealBroken as error:
        raise refused("password_lost", "The items cannot be read any more: SECRET_KEY was changed.") from error


def _purpose(batch: Batch) -> str:
    return f"items of batch {batch.external_id}"


def count_items(data: bytes, source_format: str, delimiter: str = "") -> int:
    """Return the number of items; raise WorkRefused for a source that cannot be used as a whole."""
    if source_format == SourceFormat.CSV:
        count = 0
        for count, _ in enumerate(tables.rows(data, delimiter), 1):
            _refuse_many(count)
    else:
        count = sum(1 for _ in _lines(data))
    _refuse_many(count)
    if count == 0:
        raise refused("payload_error", "There are no items in this file.")
    return count


def read_items(data: bytes, source_format: str, delimiter: str = "") -> Iterator[RawItem]:
    """Return the items of a source that `count_items` let pass, in their order."""
    if source_format == SourceFormat.CSV:
        for position, row in enumerate(tables.rows(data, delimiter)):
            yield RawItem(position, row.value, line=row.line, faults=row.faults)
        return
    for position, (line, text) in enumerate(_lines(data)):
        if source_format == SourceFormat.ITEMS:
            yield RawItem(position, parse_json(text), pointer=f"/items/{position}")
        else:
            yield _from_line(position, line, text)


def _from_line(position: int, line: int, text: bytes) -> RawItem:
    try:
        value = parse_json(text)
    except ServiceError as error:
        return RawItem(position, None, line=line, faults=(Fault("", error.detail.replace("The body", "The line")),))
    # A line that has a payload is an item; any other object is the payload itself.
    if isinstance(value, dict) and "payload" not in value:
        value = {"payload": value}
    return RawItem(position, value, line=line)


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    for line, text in enumerate(data.removeprefix(_BOM).split(b"\n"), 1):
        if text.strip():
            yield line, text


def _refuse_many(count: int) -> None:
    if count > MAX_ITEMS:
        raise refused("too_large", f"A batch holds at most {MAX_ITEMS} items.")
