"""What fontconfig knows of this machine's fonts: the same that both engines ask."""

from __future__ import annotations

import ctypes
from functools import lru_cache

_fontconfig = ctypes.CDLL("libfontconfig.so.1")
_fontconfig.FcConfigGetCurrent.restype = ctypes.c_void_p
_fontconfig.FcConfigGetFonts.restype = ctypes.c_void_p
_fontconfig.FcConfigGetFonts.argtypes = [ctypes.c_void_p, ctypes.c_int]
_fontconfig.FcPatternGetString.argtypes = [
    ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.POINTER(ctypes.c_char_p),
]  # fmt: skip

_SYSTEM_FONTS = 0
_MAX_NAMES_OF_A_FONT = 8


class _FontSet(ctypes.Structure):
    _fields_ = (("count", ctypes.c_int), ("room", ctypes.c_int), ("fonts", ctypes.POINTER(ctypes.c_void_p)))


def _patterns() -> list[int]:
    found = _fontconfig.FcConfigGetFonts(_fontconfig.FcConfigGetCurrent(), _SYSTEM_FONTS)
    if not found:
        return []
    fonts = ctypes.cast(found, ctypes.POINTER(_FontSet)).contents
    return [fonts.fonts[index] for index in range(fonts.count)]


@lru_cache(maxsize=1)
def families() -> frozenset[str]:
    """Return the names of all installed families, in lower case."""
    names = set()
    for pattern in _patterns():
        value = ctypes.c_char_p()
        for number in range(_MAX_NAMES_OF_A_FONT):
            if _fontconfig.FcPatternGetString(pattern, b"family", number, ctypes.byref(value)) or not value.value:
                break
            names.add(value.value.decode("utf-8", "replace").lower())
    return frozenset(names)
