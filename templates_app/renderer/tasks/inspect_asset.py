"""Look at an uploaded file, the one blob: what it is by its bytes, and whether it is whole, small and harmless."""

from __future__ import annotations

from typing import Any

from templates_app.renderer.assets import AssetRefused, content_type_of


def perform(arguments: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """Return `content_type`, or `refused` with the reason."""
    (data,) = blobs
    try:
        return {"content_type": content_type_of(data)}, []
    except AssetRefused as refusal:
        return {"refused": str(refusal)}, []
