"""What a check found: the same shape in the child, in the parent, in the database and on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from templates_app.renderer.frames import FrameInvalid
from templates_app.renderer.wire import clean_text

MAX_FINDINGS = 200
_MAX_CODE_CHARS, _MAX_MESSAGE_CHARS, _MAX_FILE_CHARS = 40, 500, 200
_MAX_PLACE = 10_000_000


class Severity(StrEnum):
    """An error refuses publication, a warning is recorded with the version."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an author should know. `line` and `column` count from 1."""

    severity: Severity
    code: str
    message: str
    file: str = "html_source"
    line: int | None = None
    column: int | None = None


def error(
    code: str, message: str, file: str = "html_source", line: int | None = None, column: int | None = None
) -> Finding:
    """Return a finding that refuses publication."""
    return Finding(Severity.ERROR, code, message, file, line, column)


def warning(
    code: str, message: str, file: str = "html_source", line: int | None = None, column: int | None = None
) -> Finding:
    """Return a finding that is only recorded."""
    return Finding(Severity.WARNING, code, message, file, line, column)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return each finding once: errors first, then by file and place."""
    return sorted(
        dict.fromkeys(findings), key=lambda found: (found.severity, found.file, found.line or 0, found.column or 0)
    )


def pack_findings(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the result of a task that looked for findings."""
    return {"findings": [asdict(finding) for finding in findings[:MAX_FINDINGS]]}


def unpack_findings(result: dict[str, Any], blobs: Sequence[bytes] = ()) -> list[Finding]:
    """Return what `pack_findings` packed; raise FrameInvalid for anything else."""
    match result.get("findings"):
        case list(items) if len(items) <= MAX_FINDINGS:
            return [_unpack(item) for item in items]
    raise FrameInvalid("a list of findings expected")


def _unpack(item: Any) -> Finding:
    match item:
        case {
            "severity": ("error" | "warning") as severity,
            "code": str(code),
            "message": str(message),
            "file": str(file),
            "line": line,
            "column": column,
        }:
            return Finding(
                Severity(severity),
                clean_text(code, _MAX_CODE_CHARS),
                clean_text(message, _MAX_MESSAGE_CHARS),
                clean_text(file, _MAX_FILE_CHARS),
                _place(line),
                _place(column),
            )
    raise FrameInvalid("a finding expected")


def _place(value: Any) -> int | None:
    if value is None or (type(value) is int and 0 <= value < _MAX_PLACE):
        return value
    raise FrameInvalid("a line or column is a number")
