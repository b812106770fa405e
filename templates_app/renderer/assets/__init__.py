"""What uploaded files may be: one module per kind, each with `inspect(data) -> content type`. Runs in a confined child.

The first bytes decide which module looks, never the file's name.
"""

from __future__ import annotations

from templates_app.renderer.assets import fonts, pictures, svg
from templates_app.renderer.assets.refusal import AssetRefused

__all__ = ["AssetRefused", "content_type_of"]

_FONTS = (b"\x00\x01\x00\x00", b"true", b"OTTO", b"wOFF", b"wOF2")
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")


def content_type_of(data: bytes) -> str:
    """Return the content type of a font, picture or SVG; raise AssetRefused for everything else."""
    if data.startswith(_FONTS):
        return fonts.inspect(data)
    if data.startswith(_PICTURES):
        return pictures.inspect(data)
    if svg.looks_like_one(data):
        return svg.inspect(data)
    raise AssetRefused("It is none of TTF, OTF, WOFF, WOFF2, PNG, JPEG, WebP and SVG.")
