"""What a handler hands back."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Product:
    """The bytes that a job made, and what is worth knowing about how. `render_ms` is the engine's part."""

    data: bytes = field(repr=False)
    content_type: str
    filename: str
    page_count: int
    render_ms: int
    warnings: tuple[str, ...] = ()
    peak_memory_kb: int | None = None
    log: str = ""
