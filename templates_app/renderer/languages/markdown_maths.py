"""TeX maths as SVG: neither engine lays out MathML."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape

from ziamath.config import config
from ziamath.zmath import Latex

# Twice as many units as pixels, as 1em; the style sheet scales with the text.
_SIZE = 20.0
_MAX_CHARS = 2_000
_ROOT = re.compile(r"<svg\b[^>]*>")
# ziamath's fonts have none of these; what it cannot draw is shown as its source, which the engine can.
_UNDRAWABLE = re.compile("[\u0590-\u1dbf\u2e80-\ud7ff\uf900-\ufaff\ufe70-\ufeff]|[\U0001f000-\U0001faff]")
config.svg2 = False


@lru_cache(maxsize=256)
def typeset(source: str, *, display: bool) -> str:
    """Return `source` as an SVG on the text's baseline; as code where it cannot be typeset."""
    if len(source) > _MAX_CHARS or _UNDRAWABLE.search(source):
        return _as_code(source, display=display)
    try:
        drawing = Latex(source, size=_SIZE, inline=not display)
        svg, below = drawing.svg(), -drawing.getyofst()
        width, height = (float(size) for size in re.findall(r'(?:width|height)="([\d.]+)"', svg)[:2])
    except MemoryError:
        raise
    except Exception:  # It raises whatever its parser stumbles upon.
        return _as_code(source, display=display)
    look = f"width:{width / _SIZE:.3f}em;height:{height / _SIZE:.3f}em;vertical-align:{-(below + 1) / _SIZE:.3f}em"
    start = _ROOT.match(svg)
    opening = start[0] if start else "<svg>"
    sized = re.sub(r'\s(?:width|height)="[^"]*"', "", opening)
    sized = sized.replace("<svg ", f'<svg role="img" aria-label="{escape(source)}" style="{look}" ', 1)
    drawn = sized + svg[len(opening) :]
    return f'<div class="math">{drawn}</div>' if display else f'<span class="math">{drawn}</span>'


def _as_code(source: str, *, display: bool) -> str:
    code = f"<code>{escape(source)}</code>"
    return f'<div class="math">{code}</div>' if display else code
