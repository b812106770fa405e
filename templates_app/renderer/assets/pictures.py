"""PNG, JPEG and WebP, decoded whole: what is cut off or too large is found out here."""

from __future__ import annotations

import io
import warnings

from PIL import Image

from templates_app.renderer.assets.refusal import AssetRefused

MAX_PIXELS = 50_000_000
_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


def inspect(data: bytes) -> str:
    """Return the content type; raise AssetRefused for a picture that is broken or has more than 50 million pixels."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is stricter
            picture = Image.open(io.BytesIO(data), formats=list(_TYPES))
        if picture.width * picture.height > MAX_PIXELS:
            message = (
                f"The picture has {picture.width} x {picture.height} pixels, more than {MAX_PIXELS // 10**6} million."
            )
            raise AssetRefused(message)
        picture.verify()  # checksums
        Image.open(io.BytesIO(data), formats=list(_TYPES)).load()
    except (AssetRefused, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise AssetRefused(f"The picture has more than {MAX_PIXELS // 10**6} million pixels.") from error
    except Exception as error:
        raise AssetRefused(f"The picture is broken: {error}") from error
    return _TYPES[str(picture.format)]
