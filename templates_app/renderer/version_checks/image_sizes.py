"""Images far larger than they are printed cost time and make files large."""

from __future__ import annotations

from collections.abc import Iterator
from math import hypot

import pypdfium2
from pypdfium2 import raw

from templates_app.renderer.findings import Finding, warning
from templates_app.renderer.version_checks.subject import Subject

# Print shops ask for 300 dots an inch.
_MANY_DPI = 600
_MANY_PIXELS = 1_000_000
_MAX_PAGES = 20


def check(subject: Subject) -> Iterator[Finding]:
    """Yield `image_oversized` for each."""
    if not subject.printed.pdf:
        return
    told = set()
    with pypdfium2.PdfDocument(subject.printed.pdf) as pdf:
        for number in range(min(len(pdf), _MAX_PAGES)):
            for image in pdf[number].get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE]):
                width, height = image.get_px_size()
                matrix = image.get_matrix()
                printed_width = hypot(matrix.a, matrix.b)
                if printed_width <= 0 or width * height < _MANY_PIXELS or (width, height) in told:
                    continue
                dpi = width / (printed_width / 72)
                if dpi > _MANY_DPI:
                    told.add((width, height))
                    message = (
                        f"An image of {width} x {height} pixels is printed {printed_width / 72 * 25.4:.0f} mm wide on "
                        f"page {number + 1}: {dpi:.0f} dots an inch, where 300 do."
                    )
                    yield warning("image_oversized", message)
