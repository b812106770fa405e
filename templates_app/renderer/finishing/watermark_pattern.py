"""Where a watermark's stamp goes on a page: once in the middle, or all over in rows that are turned and staggered."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, cos, hypot, radians, sin, sqrt

from templates_app.renderer.finishes import Watermark
from templates_app.renderer.finishing.page_frames import Matrix
from templates_app.renderer.finishing.watermark_stamp import FONT_SIZE

Size = tuple[float, float]

# What fits a page when nobody named a size: parts of its sides.
_TEXT_ONCE, _IMAGE_ONCE = 0.8, 0.6
_TEXT_REPEATED, _IMAGE_REPEATED = 1 / 24, 0.18
# A tiny stamp on a poster: rows and columns move apart rather than the file growing.
_MAX_STAMPS = 1_000


def placements(wish: Watermark, stamp: Size, page: Size) -> Iterator[Matrix]:
    """Yield the matrix of each stamp on a page; all sizes are widths and heights in points."""
    scale = _scale(wish, stamp, page)
    turn = radians(wish.rotation_deg)
    middle = page[0] / 2, page[1] / 2
    if not wish.repeat:
        yield _matrix(stamp, scale, turn, middle)
        return
    reach = hypot(stamp[0], stamp[1]) * scale / 2
    for across, along in _grid(stamp[0] * scale, stamp[1] * scale, hypot(*page) / 2 + reach):
        x = middle[0] + along * cos(turn) - across * sin(turn)
        y = middle[1] + along * sin(turn) + across * cos(turn)
        if -reach < x < page[0] + reach and -reach < y < page[1] + reach:
            yield _matrix(stamp, scale, turn, (x, y))


def _scale(wish: Watermark, stamp: Size, page: Size) -> float:
    """Return how many times its own size the stamp is drawn."""
    if wish.image and wish.width_percent is not None:
        return wish.width_percent / 100 * page[0] / stamp[0]
    if not wish.image and wish.font_size is not None:
        return wish.font_size / FONT_SIZE
    if wish.repeat:
        side = min(page)
        return _IMAGE_REPEATED * side / max(stamp) if wish.image else _TEXT_REPEATED * side / FONT_SIZE
    turn = radians(wish.rotation_deg)
    width = stamp[0] * abs(cos(turn)) + stamp[1] * abs(sin(turn))
    height = stamp[0] * abs(sin(turn)) + stamp[1] * abs(cos(turn))
    return (_IMAGE_ONCE if wish.image else _TEXT_ONCE) * min(page[0] / width, page[1] / height)


def _grid(width: float, height: float, radius: float) -> Iterator[tuple[float, float]]:
    """Yield the middles of stamps of this size that cover a circle, every other row moved by half a step."""
    step = width + max(0.35 * width, 1.5 * height)
    row = height + max(0.8 * height, min(3 * height, 0.35 * width))
    crowd = (2 * radius / step + 1) * (2 * radius / row + 1) / _MAX_STAMPS
    if crowd > 1:
        step, row = step * sqrt(crowd), row * sqrt(crowd)
    rows, columns = ceil(radius / row), ceil(radius / step)
    for line in range(-rows, rows + 1):
        for column in range(-columns, columns + 1):
            yield line * row, (column + line % 2 / 2) * step


def _matrix(stamp: Size, scale: float, turn: float, middle: tuple[float, float]) -> Matrix:
    """Return the matrix that draws a stamp, whose middle is at its half size, turned around `middle`."""
    a, b = scale * cos(turn), scale * sin(turn)
    x, y = stamp[0] / 2, stamp[1] / 2
    return a, b, -b, a, middle[0] - a * x + b * y, middle[1] - b * x - a * y
