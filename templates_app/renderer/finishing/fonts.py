"""Which fonts a finished document uses."""

from __future__ import annotations

import re

import pikepdf

# Six capitals and a plus mark a font of which only the used glyphs are embedded (ISO 32000-2, 9.9.2).
_SUBSET_TAG = re.compile(r"^[A-Z]{6}\+")


def fonts_of(document: pikepdf.Pdf) -> tuple[str, ...]:
    """Return the PostScript names of all fonts, sorted and without subset tags."""
    names = set()
    for item in document.objects:
        if isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/Font" and "/BaseFont" in item:
            names.add(_SUBSET_TAG.sub("", str(item["/BaseFont"]).removeprefix("/")))
    return tuple(sorted(names))
