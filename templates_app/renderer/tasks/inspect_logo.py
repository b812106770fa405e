"""Look at an uploaded logo, the one blob: a picture as assets may be, and small enough for a page."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from templates_app.renderer.assets import AssetRefused, content_type_of

MAX_SIDE = 2_000
_PICTURES = frozenset({"image/png", "image/jpeg", "image/webp"})


def perform(arguments: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """Return `content_type`, or `refused` with the reason."""
    (data,) = blobs
    try:
        content_type = content_type_of(data)
    except AssetRefused as refusal:
        return {"refused": str(refusal)}, []
    if content_type in _PICTURES:
        with Image.open(io.BytesIO(data)) as picture:
            if max(picture.size) > MAX_SIDE:
                return {"refused": f"The logo has more than {MAX_SIDE:,} pixels a side."}, []
    return {"content_type": content_type}, []
