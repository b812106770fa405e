"""What happens to a printed PDF: one module per step, each with `finish(pdf, spec, engine_version)`.

It returns the new PDF and its number of pages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from templates_app.renderer.contracts import RenderSpec
from templates_app.renderer.finishing import metadata

Finish = Callable[[bytes, RenderSpec, str], tuple[bytes, int]]

STEPS: Sequence[Finish] = (metadata.finish,)
