"""Colours that can be read: contrast as WCAG 2.2 defines it, and how to get enough of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

HEX = re.compile(r"#[0-9a-f]{6}", re.ASCII)
TEXT_CONTRAST = 4.5  # WCAG 1.4.3
SHAPE_CONTRAST = 3.0  # WCAG 1.4.11
_STEPS = 40


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour of the screen (sRGB), each part from 0 to 255."""

    red: int
    green: int
    blue: int

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    @property
    def luminance(self) -> float:
        """The relative luminance: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
        red, green, blue = (_linear(part / 255) for part in (self.red, self.green, self.blue))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def contrast(self, other: Colour) -> float:
        """Return the contrast ratio to another colour, from 1 to 21."""
        darker, lighter = sorted((self.luminance, other.luminance))
        return (lighter + 0.05) / (darker + 0.05)

    def mixed(self, other: Colour, share: float) -> Colour:
        """Return this colour with `share` (0 to 1) of another in it."""
        mine, theirs = (self.red, self.green, self.blue), (other.red, other.green, other.blue)
        return Colour(*(round(a + (b - a) * share) for a, b in zip(mine, theirs, strict=True)))


WHITE, BLACK = Colour(255, 255, 255), Colour(0, 0, 0)


def parse_colour(text: str) -> Colour:
    """Return `#rrggbb` as a colour; raise ValueError."""
    if not HEX.fullmatch(text.lower()):
        raise ValueError("A colour is # and six hexadecimal digits, such as #2456d6.")
    return Colour(*bytes.fromhex(text[1:]))


def ink_on(ground: Colour) -> Colour:
    """Return black or white, whichever can be read on `ground`: one of the two always has a contrast above 4.5."""
    return max(WHITE, BLACK, key=ground.contrast)


def visible_on(colour: Colour, ground: Colour, *, contrast: float) -> Colour:
    """Return `colour`, made darker or lighter only as far as it needs to stand out from `ground`."""
    goal = ink_on(ground)
    for step in range(_STEPS + 1):
        shade = colour.mixed(goal, step / _STEPS)
        if shade.contrast(ground) >= contrast:
            break
    return shade


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
