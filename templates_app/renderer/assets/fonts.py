"""Fonts: TrueType and OpenType, plain or in WOFF and WOFF2."""

from __future__ import annotations

import io

from fontTools.ttLib import TTFont

from templates_app.renderer.assets.refusal import AssetRefused

_TYPES = {
    b"\x00\x01\x00\x00": "font/ttf",
    b"true": "font/ttf",
    b"OTTO": "font/otf",
    b"wOFF": "font/woff",
    b"wOF2": "font/woff2",
}
_NEEDED = ("head", "hhea", "hmtx", "maxp", "cmap", "name")
_OUTLINES = ("glyf", "CFF ", "CFF2", "sbix", "CBDT", "SVG ")


def inspect(data: bytes) -> str:
    """Return the content type; raise AssetRefused for a font that engines could not use."""
    try:
        # Reading what engines read: a table that does not parse is found out here and not in a document.
        font = TTFont(io.BytesIO(data), lazy=False, recalcTimestamp=False)
        missing = [tag for tag in _NEEDED if tag not in font]
        outlines = [tag for tag in _OUTLINES if tag in font]
        if missing or not outlines:
            raise AssetRefused(f"The font lacks {', '.join(missing) or 'outlines'}.")
        for tag in _NEEDED:
            font[tag]
        if not font.getBestCmap():
            raise AssetRefused("The font maps no characters.")
        font.getGlyphSet()[font.getGlyphOrder()[0]]
    except (AssetRefused, MemoryError):
        raise
    except Exception as error:
        raise AssetRefused(f"The font is broken: {type(error).__name__}: {error}") from error
    return _TYPES[data[:4]]
