"""The part of a page that readers see, and how they see it: cut, turned, and anywhere in its coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import pikepdf

Matrix = tuple[float, float, float, float, float, float]
_LETTER = (0.0, 0.0, 612.0, 792.0)
# Deeper page trees are made by nobody, and a loop must end.
_MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class PageFrame:
    """Width and height as readers see them, in points, and the matrix from there to the page's own coordinates."""

    size: tuple[float, float]
    matrix: Matrix


class Frames:
    """The frames of a document's pages: looked up by what they are made of, for most pages of a document are alike."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], PageFrame] = {}

    def of(self, page: pikepdf.Object) -> PageFrame:
        """Return a page's frame."""
        parts = [page.get(name) for name in ("/MediaBox", "/CropBox", "/Rotate", "/UserUnit", "/Parent")]
        # Its parent may be what says the rest; all are told apart by how they are written, a parent by its number.
        parent = parts.pop()
        key = (
            None if parent is None else parent.objgen,
            *(part.unparse() if isinstance(part, pikepdf.Object) else part for part in parts),
        )
        if key not in self._known:
            self._known[key] = frame_of(page)
        return self._known[key]


def frame_of(page: pikepdf.Object) -> PageFrame:
    """Return a page's frame, from its CropBox, MediaBox, Rotate and UserUnit (ISO 32000-2, 7.7.3.3)."""
    media = _box(inherited(page, "/MediaBox")) or _LETTER
    crop = _box(inherited(page, "/CropBox")) or media
    left, bottom = max(media[0], crop[0]), max(media[1], crop[1])
    width, height = min(media[2], crop[2]) - left, min(media[3], crop[3]) - bottom
    if width <= 0 or height <= 0:
        left, bottom, width, height = media[0], media[1], media[2] - media[0], media[3] - media[1]
    unit = float(page.get("/UserUnit", 1)) or 1.0
    one = 1 / unit
    match int(inherited(page, "/Rotate") or 0) % 360:
        case 90:
            matrix: Matrix = (0, one, -one, 0, left + width, bottom)
        case 180:
            matrix = (-one, 0, 0, -one, left + width, bottom + height)
        case 270:
            matrix = (0, -one, one, 0, left, bottom + height)
        case _:
            return PageFrame(_rounded(width * unit, height * unit), (one, 0, 0, one, left, bottom))
    turned = (width, height) if matrix[1] == 0 else (height, width)
    return PageFrame(_rounded(turned[0] * unit, turned[1] * unit), matrix)


def inherited(page: pikepdf.Object, name: str) -> pikepdf.Object | None:
    """Return a page's attribute, its own or the nearest ancestor's."""
    node: pikepdf.Object | None = page
    for _ in range(_MAX_DEPTH):
        if node is None:
            break
        if name in node:
            return node[name]
        node = node.get("/Parent")
    return None


def _box(numbers: pikepdf.Object | None) -> tuple[float, float, float, float] | None:
    if numbers is None or len(numbers) != 4:
        return None
    x0, y0, x1, y1 = (float(number) for number in numbers)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _rounded(width: float, height: float) -> tuple[float, float]:
    # Sizes that differ by less than anybody sees share one drawing.
    return round(width, 1), round(height, 1)
