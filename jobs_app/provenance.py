"""What a document was made from and with, recorded with every output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Provenance:
    """Hashes of template and payload, the engine and its version, the names of the fonts in the PDF."""

    template_hash: str
    payload_hash: str
    engine: str
    engine_version: str
    fonts: tuple[str, ...]

    @classmethod
    def read(cls, stored: Mapping[str, Any] | None) -> Self | None:
        """Return what `dataclasses.asdict` made a mapping of."""
        return None if stored is None else cls(**{**stored, "fonts": tuple(stored["fonts"])})
