"""What a handler hands back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO

from jobs_app.provenance import Provenance


@dataclass(frozen=True, slots=True)
class Product:
    """The bytes that a job made, and what is worth knowing about how. `render_ms` is the engine's part.

    `began_child` says that a new renderer process was begun for it.

    What may be too large for memory is in `file`, open, instead of `data`; whoever delivers the product closes it.
    """

    data: bytes = field(repr=False)
    content_type: str
    filename: str
    page_count: int
    render_ms: int
    warnings: tuple[str, ...] = ()
    peak_memory_kb: int | None = None
    log: str = ""
    provenance: Provenance | None = None
    began_child: bool = False
    file: IO[bytes] | None = field(default=None, repr=False, compare=False)

    @property
    def extension(self) -> str:
        """How the key of its bytes ends."""
        return "zip" if self.content_type == "application/zip" else "pdf"
