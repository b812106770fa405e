"""Characters that no font of a document has would print as boxes, in silence: name them."""

from __future__ import annotations

import html
import io
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterable

from fontTools.ttLib import TTFont

from templates_app.renderer.contracts import Asset

_MAX_NAMED, _MAX_LISTED = 10, 30
_MAX_ATTRIBUTES = 10
# What is never drawn: styles, scripts, titles, comments, tags with their attributes.
_UNSEEN = re.compile(r"<(style|script|title)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.DOTALL | re.IGNORECASE)
# But what styles add is: the texts of `content`, and attributes where it asks for them.
_STYLE = re.compile(r"<style\b[^>]*>(.*?)</style\s*>", re.DOTALL | re.IGNORECASE)
_CONTENT = re.compile(r"\bcontent\s*:([^;{}]*)", re.IGNORECASE)
_STRING = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_ATTRIBUTE = re.compile(r"\battr\(\s*([\w-]+)", re.IGNORECASE)
# But those that escaping leaves behind, which stand for ASCII.
_REFERENCE = re.compile("&(?!amp;|lt;|gt;|quot;|#39;|#34;)")
_CSS_ESCAPE = re.compile(r"\\([0-9a-f]{1,6})\s?", re.IGNORECASE)
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
    if _is_plain(document):
        return []
    wanted = {one for one in _seen(document) if ord(one) not in _installed and _is_drawn(one)}
    for asset in assets if wanted else ():
        wanted -= _characters_of(asset)
    if not wanted:
        return []
    named = sorted(wanted)
    if len(named) <= _MAX_NAMED:
        names, more = ", ".join(map(_name, named)), ""
    else:
        names = ", ".join(f"{one} U+{ord(one):04X}" for one in named[:_MAX_LISTED])
        more = f" and {len(named) - _MAX_LISTED} more" if len(named) > _MAX_LISTED else ""
    return [f"No font has these characters, so they print as boxes: {names}{more}"]


def _is_plain(document: str) -> bool:
    """Say whether every character is installed, seen or not, and none is spelled as a reference or an escape.

    That holds for nearly all documents, and takes less than half as long as a look at what is drawn.
    """
    if "\\" in document or _REFERENCE.search(document):
        return False
    return all(ord(one) in _installed for one in set(document) if not one.isascii())


def written_text(document: str) -> str:
    """Return the text of `document` (HTML) without what is never drawn: tags, styles, scripts, titles, comments."""
    return html.unescape(_UNSEEN.sub(" ", document))


def _seen(document: str) -> set[str]:
    """Return the characters that are drawn: the text, and what style sheets print around it."""
    contents = _CONTENT.findall(" ".join(_STYLE.findall(document)))
    strings = [one or other for content in contents for one, other in _STRING.findall(content)]
    added = [_CSS_ESCAPE.sub(_escaped, text) for text in strings]
    names = dict.fromkeys(name for content in contents for name in _ATTRIBUTE.findall(content))
    for name in list(names)[:_MAX_ATTRIBUTES]:
        added += re.findall(rf"""<[^<>]*\s{name}\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)""", document, re.IGNORECASE)
    return set(written_text(document)) | set(html.unescape("".join(added)))


def _escaped(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code <= sys.maxunicode else "\ufffd"


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
