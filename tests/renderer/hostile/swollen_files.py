"""Files that are small until somebody opens them."""

from __future__ import annotations

import io
import struct
import zlib
from functools import lru_cache
from pathlib import Path

from tests.renderer.hostile.embedded import profile
from tests.renderer.support import FONT_PATH

_HUGE = 256 << 20


def _zeros(size: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))


@lru_cache(maxsize=4)
def png(width: int, height: int, extra: bytes = b"") -> bytes:
    """Return a one-bit PNG of one colour, with further chunks before its pixels."""
    packer = zlib.compressobj(1)
    row = bytes(1 + (width + 7) // 8)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack("!IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = (_chunk(b"IHDR", header), extra, _chunk(b"IDAT", pixels), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def png_with_large_text() -> bytes:
    """A compressed comment of 256 MB, eight times."""
    return png(8, 8, _chunk(b"zTXt", b"Comment\0\0" + _zeros(_HUGE)) * 8)


def png_with_large_profile() -> bytes:
    """A compressed colour profile of 256 MB."""
    return png(8, 8, _chunk(b"iCCP", b"x\0\0" + _zeros(_HUGE)))


def png_with_profile_cut_off() -> bytes:
    """A compressed colour profile of which half is there."""
    return png(8, 8, _chunk(b"iCCP", b"x\0\0" + zlib.compress(profile("x" * 9_999))[:300]))


def png_with_profile_without_end() -> bytes:
    """A colour profile that says that it has two gigabytes, in a file that ends after some hundred bytes."""
    return png(8, 8)[:33] + struct.pack("!I", 0x7FFFFFFF) + b"iCCPx\0\0" + zlib.compress(profile("x"))


def png_with_many_profiles() -> bytes:
    """A colour profile of 16 MB, a hundred times."""
    return png(8, 8, _chunk(b"iCCP", b"x\0\0" + _zeros(16 << 20)) * 100)


def jpeg_with_profile_in_pieces() -> bytes:
    """A colour profile in 255 pieces of 64 KB, each of which says that it is another one's double."""
    piece = b"ICC_PROFILE\0\1\xff" + bytes(65_500)
    plain = _saved_jpeg()
    return plain[:2] + (b"\xff\xe2" + struct.pack("!H", len(piece) + 2) + piece) * 255 + plain[2:]


def jpeg_with_large_packet() -> bytes:
    """XMP of entities of entities, and as deep as the segments of a JPEG allow, said to go on in sixty others."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 4}">' for n in range(1, 30))
    packet = f'<!DOCTYPE x [<!ENTITY e0 "xxxx">{entities}]>' + "<a>" * 10_000 + "&e29;" + "</a>" * 2_000
    standard = b"http://ns.adobe.com/xap/1.0/\0" + packet.encode()
    further = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + struct.pack("!II", 0xFFFFFFFF, 0xFFFF0000)
    plain = _saved_jpeg()
    segments = [standard, *[further + bytes(60_000)] * 60]
    packed = b"".join(b"\xff\xe1" + struct.pack("!H", len(one) + 2) + one for one in segments)
    return plain[:2] + packed + plain[2:]


def webp_with_profile_without_end() -> bytes:
    """A colour profile that says that it has four gigabytes."""
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "WEBP", icc_profile=profile("x"))
    data = stream.getvalue()
    at = data.index(b"ICCP") + 4
    return data[:at] + b"\xfe\xff\xff\xff" + data[at + 4 :]


def gif() -> bytes:
    """One frame of 65,535 by 65,535, of which no pixel is there."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return screen + b"," + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\x02\x02\x4c\x01\0;"


def gif_of_many_frames() -> bytes:
    """Ten thousand frames of 3,000 by 3,000."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 3_000, 3_000, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return screen + (b"," + struct.pack("<HHHHB", 0, 0, 3_000, 3_000, 0) + b"\x02\x02\x4c\x01\0") * 10_000 + b";"


def bmp() -> bytes:
    """60,000 by 60,000 in one run-length command."""
    info = struct.pack("<IiiHHIIiiII", 40, 60_000, 60_000, 1, 8, 1, 2, 0, 0, 2, 0)
    return b"BM" + struct.pack("<IHHI", 64, 0, 0, 62) + info + bytes(8) + b"\0\1"


def jpeg() -> bytes:
    """65,500 by 65,500, whose data end at once."""
    data = _saved_jpeg()
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack("!HH", 65_500, 65_500) + data[at + 4 :]


def _saved_jpeg() -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("L", (8, 8)).save(stream, "JPEG")
    return stream.getvalue()


def webp() -> bytes:
    """The largest that the format knows, of one colour: some hundred bytes."""
    from PIL import Image

    stream = io.BytesIO()
    Image.new("L", (16_383, 4_096)).save(stream, "WEBP", lossless=True, method=0)
    return stream.getvalue()


def webp_of_many_frames() -> bytes:
    """Two frames of 7,000 by 7,000, just within the pixels."""
    from PIL import Image

    stream = io.BytesIO()
    first, second = (Image.new("L", (7_000, 7_000), shade) for shade in (0, 255))
    first.save(stream, "WEBP", save_all=True, append_images=[second], lossless=True, method=0)
    return stream.getvalue()


def tiff() -> bytes:
    """65,000 by 65,000 in one deflated strip."""
    tags = [(256, 65_000), (257, 65_000), (258, 8), (259, 8), (262, 1), (273, 200), (278, 65_000), (279, 1 << 20)]
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + directory + bytes(4)
    return head.ljust(200, b"\0") + _zeros(_HUGE)


def woff() -> bytes:
    """A font whose one table unpacks to 256 MB."""
    table = _zeros(_HUGE)
    entry = b"glyf" + struct.pack("!IIII", 64, len(table), _HUGE, 0)
    head = b"wOFF" + struct.pack("!IIHHIHHIIIII", 0x10000, 64 + len(table), 1, 0, 28 + _HUGE, 1, 0, 0, 0, 0, 0, 0)
    return (head + entry).ljust(64, b"\0") + table


def woff2() -> bytes:
    """A font whose tables unpack to 256 MB from some hundred bytes."""
    import brotli  # type: ignore[import-untyped] # it has no types

    tables: bytes = brotli.compress(bytes(_HUGE), quality=1)
    entry = bytes([0x3F | 0xC0]) + b"xxxx" + _base128(_HUGE)
    head = b"wOF2" + struct.pack("!IIHHIIHHIIIII", 0x10000, 0, 1, 0, _HUGE, len(tables), 1, 0, 0, 0, 0, 0, 0)
    font: bytes = (head + entry + tables).ljust(-(-(len(head + entry + tables)) // 4) * 4, b"\0")
    return font[:8] + struct.pack("!I", len(font)) + font[12:]


def _base128(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


def ttf_with_long_table() -> bytes:
    """A font whose directory says that each table has four gigabytes."""
    data = bytearray(Path(FONT_PATH).read_bytes())
    for number in range(struct.unpack_from("!H", data, 4)[0]):
        struct.pack_into("!I", data, 12 + 16 * number + 12, 0xFFFFFFF0)
    return bytes(data)


def _font() -> object:
    from fontTools.ttLib import TTFont

    return TTFont(io.BytesIO(Path(FONT_PATH).read_bytes()))


def _saved(font: object) -> bytes:
    stream = io.BytesIO()
    font.save(stream)  # type: ignore[attr-defined]  # fontTools is not typed
    return stream.getvalue()


def ttf_made_of_itself() -> bytes:
    """A composite glyph that is made of two of itself: by hand, for fontTools would follow it without end."""
    data = bytearray(Path(FONT_PATH).read_bytes())
    tables = {}
    for number in range(struct.unpack_from("!H", data, 4)[0]):
        tag, _, offset, length = struct.unpack_from("!4sIII", data, 12 + 16 * number)
        tables[tag] = (offset, length)
    glyf, loca = tables[b"glyf"][0], tables[b"loca"][0]
    for glyph in range(3, 90):
        at, end = struct.unpack_from("!II", data, loca + 4 * glyph)
        if end - at < 10 + 16:
            continue
        struct.pack_into("!h", data, glyf + at, -1)
        struct.pack_into("!HHbb", data, glyf + at + 10, 0x0022, glyph, 0, 0)
        struct.pack_into("!HHbb", data, glyf + at + 16, 0x0002, glyph, 0, 0)
    return bytes(data)


def ttf_that_loops() -> bytes:
    """A font program that jumps back for ever."""
    from fontTools.ttLib import newTable
    from fontTools.ttLib.tables.ttProgram import Program

    font = _font()
    program = Program()
    program.fromAssembly(["PUSHW[ ] -3", "JMPR[ ]"])
    for tag in ("fpgm", "prep"):
        table = newTable(tag)
        table.program = program
        font[tag] = table  # type: ignore[index]  # fontTools is not typed
    return _saved(font)


def ttf_that_multiplies() -> bytes:
    """Rules that replace each letter by many, again and again."""
    from fontTools.feaLib.builder import addOpenTypeFeaturesFromString

    font = _font()
    many = " ".join(["a"] * 60)
    rules = "".join(f"lookup l{n} {{ sub a by {many}; }} l{n};" for n in range(12))
    uses = "".join(f"lookup l{n};" for n in range(12))
    addOpenTypeFeaturesFromString(font, f"{rules} feature ccmp {{ {uses} }} ccmp;")
    return _saved(font)
