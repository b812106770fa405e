"""What a child does besides documents: one module per task, each with `perform(arguments, blobs) -> (result, blobs)`.

Both sides of a task are plain JSON and raw bytes. A program (`program.py`, `schema_program.py`) names the ones it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Perform = Callable[[dict[str, Any], list[bytes]], tuple[dict[str, Any], list[bytes]]]
Tasks = Mapping[str, Perform]
