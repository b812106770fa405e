"""Pictures and colour profiles that carry a text where programs keep what is about a picture: XMP, EXIF, ICC."""

from __future__ import annotations

import io
import struct
from functools import lru_cache

from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from templates_app.renderer.contracts import Asset

_XMP_TAG = 700
# Tags of ICC.1:2022 that hold text: those of a maker, of a model, of the viewing conditions, and of where more is said.
_TEXT_TAGS = (b"desc", b"cprt", b"dmnd", b"dmdd", b"vued", b"targ", b"psid", b"meta")


def pictures(number: int, xmp: bytes, profile: bytes) -> tuple[Asset, ...]:
    """Return one picture of every kind with this XMP packet and this colour profile."""
    ways = {"jpg": _jpeg, "png": _png, "webp": _webp, "tiff": _tiff, "gif": _gif, "bmp": _bmp}
    return tuple(Asset(f"{number}.{name}", f"image/{name}", make(xmp, profile)) for name, make in ways.items())


def profile(text: str) -> bytes:
    """Return sRGB as an ICC profile whose every text is this one."""
    tags = {**_tags(_srgb()), **{name: _localized(text) for name in _TEXT_TAGS}}
    return _profile_of(tags)


def profile_that_claims(*, size: int | None = None, tags: int | None = None, length: int | None = None) -> bytes:
    """Return sRGB as an ICC profile that says that it has so many bytes, so many tags, or so long ones."""
    data = bytearray(_srgb())
    if size is not None:
        struct.pack_into("!I", data, 0, size)
    if length is not None:
        for number in range(struct.unpack_from("!I", data, 128)[0]):
            struct.pack_into("!I", data, 132 + 12 * number + 8, length)
    if tags is not None:
        struct.pack_into("!I", data, 128, tags)
    return bytes(data)


@lru_cache(maxsize=1)
def _srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _tags(data: bytes) -> dict[bytes, bytes]:
    tags = {}
    for number in range(struct.unpack_from("!I", data, 128)[0]):
        name, offset, length = struct.unpack_from("!4sII", data, 132 + 12 * number)
        tags[name] = data[offset : offset + length]
    return tags


def _profile_of(tags: dict[bytes, bytes]) -> bytes:
    directory, body, begin = b"", b"", 132 + 12 * len(tags)
    for name, value in tags.items():
        directory += struct.pack("!4sII", name, begin + len(body), len(value))
        body += value.ljust(-(-len(value) // 4) * 4, b"\0")
    rest = _srgb()[4:128] + struct.pack("!I", len(tags)) + directory + body
    return struct.pack("!I", len(rest) + 4) + rest


def _localized(text: str) -> bytes:
    words = text.encode("utf-16-be", "replace")
    return b"mluc" + struct.pack("!IIIHHII", 0, 1, 12, 0x656E, 0x5553, len(words), 28) + words


def _saved(kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(stream, kind, **options)
    return stream.getvalue()


def _jpeg(xmp: bytes, icc: bytes) -> bytes:
    return _saved("JPEG", xmp=xmp, icc_profile=icc, comment=xmp)


def _png(xmp: bytes, icc: bytes) -> bytes:
    texts = PngInfo()
    texts.add_itxt("XML:com.adobe.xmp", xmp.decode())
    texts.add_text("Source", xmp.decode(), zip=True)
    return _saved("PNG", pnginfo=texts, icc_profile=icc)


def _webp(xmp: bytes, icc: bytes) -> bytes:
    return _saved("WEBP", xmp=xmp, icc_profile=icc)


def _tiff(xmp: bytes, icc: bytes) -> bytes:
    directory = ImageFileDirectory_v2()
    directory[_XMP_TAG] = xmp
    return _saved("TIFF", tiffinfo=directory, icc_profile=icc)


def _gif(xmp: bytes, _icc: bytes) -> bytes:
    """XMP as it is in GIF: not in blocks, with a tail that leads every reader of blocks to its end."""
    plain = _saved("GIF")
    at = plain.index(b"\x2c\0\0\0\0")
    tail = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    return plain[:at] + b"\x21\xff\x0bXMP DataXMP" + xmp + tail + plain[at:]


def _bmp(xmp: bytes, _icc: bytes) -> bytes:
    """A bitmap whose colour profile is in a file: its header (BITMAPV5) has the file's name."""
    name = xmp.rstrip(b"\n") + b"\0"
    pixels = bytes([0, 0, 255] * 8) * 8
    header = struct.pack("<IiiHHIIiiII", 124, 8, 8, 1, 24, 0, len(pixels), 0, 0, 0, 0) + bytes(16)
    header += b"KNIL" + bytes(48) + struct.pack("<IIII", 4, 124 + len(pixels), len(name), 0)
    return b"BM" + struct.pack("<IHHI", 138 + len(pixels) + len(name), 0, 0, 138) + header + pixels + name
