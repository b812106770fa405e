"""Characters that no font of a document has would print as boxes, in silence: name them."""

from __future__ import annotations

import html
import io
import re
import subprocess
import unicodedata
from collections.abc import Iterable

from fontTools.ttLib import TTFont

from templates_app.renderer.contracts import Asset

_MAX_NAMED = 10
# What is never drawn: styles, scripts, comments, tags with their attributes.
_UNSEEN = re.compile(r"<(style|script)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.DOTALL | re.IGNORECASE)
# Joiners, variation selectors, tags of flags: they shape other glyphs and need none.
_SHAPING = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0000-\U000e0fff]")
_DRAWN = frozenset("LMNPS")
_installed: set[int] = set()


def learn_installed() -> None:
    """Ask fontconfig, once and before any confinement, which characters the machine's fonts have (10 ms)."""
    command = ["fc-list", "--format", "%{charset}\n"]
    try:
        answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        return  # Without fontconfig's tools nothing is known, and nothing is said.
    for span in set(answer.split()):
        first, _, last = span.partition("-")
        _installed.update(range(int(first, 16), int(last or first, 16) + 1))


def missing_glyphs(document: str, assets: Iterable[Asset]) -> list[str]:
    """Return one warning that names the characters of `document` (HTML) that no installed font and no asset has."""
    if not _installed:
        return []
    seen = set(html.unescape(_UNSEEN.sub(" ", document))) if not document.isascii() or "&" in document else set()
    wanted = {one for one in seen if ord(one) not in _installed and _is_drawn(one)}
    for asset in assets if wanted else ():
        wanted -= _characters_of(asset)
    if not wanted:
        return []
    named = sorted(wanted)
    names = ", ".join(_name(one) for one in named[:_MAX_NAMED])
    more = f" and {len(named) - _MAX_NAMED} more" if len(named) > _MAX_NAMED else ""
    return [f"No font has these characters, so they print as boxes: {names}{more}"]


def _is_drawn(character: str) -> bool:
    return unicodedata.category(character)[0] in _DRAWN and not _SHAPING.match(character)


def _characters_of(asset: Asset) -> set[str]:
    if "font" not in asset.content_type:
        return set()
    try:
        with TTFont(io.BytesIO(asset.data), lazy=True, fontNumber=0) as font:
            return {chr(code) for code in font.getBestCmap() or {}}
    except MemoryError:
        raise
    except Exception:  # A font may be broken in any way; the engine says so in its own words.
        return set()


def _name(character: str) -> str:
    return f"{character} (U+{ord(character):04X} {unicodedata.name(character, 'unnamed')})"
