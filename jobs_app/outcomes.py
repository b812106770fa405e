"""What came of an attempt, on its way into the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs_app.provenance import Provenance
from pdfservice.lib.storage import StoredObject


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt came to nothing. `detail` holds file, line, column and path where they are known.

    `max_attempts` is how often it is worth trying, None for as often as the job may be tried.
    """

    code: str
    message: str
    permanent: bool
    detail: Mapping[str, Any] = field(default_factory=dict)
    peak_memory_kb: int | None = None
    log: str = ""
    max_attempts: int | None = None


class WorkRefused(Exception):
    """A handler says that its job can come to nothing, and why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Result:
    """What a finished job leaves behind. `stored` is in storage already, reserved as file `file_id`."""

    file_id: int
    stored: StoredObject
    page_count: int
    warnings: tuple[str, ...] = ()
    timings: Mapping[str, int] = field(default_factory=dict)
    peak_memory_kb: int | None = None
    log: str = ""
    provenance: Provenance | None = None
    began_child: bool = False
