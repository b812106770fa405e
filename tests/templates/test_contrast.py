"""Colours of the authoring pages have the contrast that WCAG AA asks for, in light and in dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

FOLDER = Path(settings.BASE_DIR) / "templates_app/static/templates_app"
# The admin's own grounds: its page, and what is a little darker or lighter on it.
GROUNDS = {"light": ["#ffffff", "#f8f8f8"], "dark": ["#121212", "#212121"]}
ON_A_GROUND = ["code-tag", "code-name", "code-string", "code-number", "danger"]
PAIRS = [
    ("badge-ok-fg", "badge-ok-bg"),
    ("badge-plain-fg", "badge-plain-bg"),
    ("badge-draft-fg", "badge-draft-bg"),
    ("badge-error-fg", "badge-error-bg"),
    ("code-template", "code-template-bg"),
    ("code-tag", "code-line"),
    ("code-name", "code-line"),
    ("code-string", "code-line"),
    ("code-number", "code-line"),
    ("code-template", "code-line"),
]


def variables(scheme: str) -> dict[str, str]:
    """Return the colours that both style sheets set for a scheme."""
    begin = {"light": r"^:root \{", "dark": r'^html\[data-theme="dark"\] \{'}[scheme]
    found: dict[str, str] = {}
    for name in ("authoring.css", "editor.css"):
        block = re.search(begin + r"(.*?)^\}", (FOLDER / name).read_text(), re.DOTALL | re.MULTILINE)
        assert block
        found |= dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", block[1]))
    return found


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.2."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    """Return the contrast ratio of WCAG 2.2."""
    lighter, darker = sorted((luminance(one), luminance(two)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_a_contrast_of_four_and_a_half(scheme: str) -> None:
    colours = variables(scheme)
    pairs = [(colours[text], colours[ground]) for text, ground in PAIRS]
    pairs += [(colours[name], ground) for name in ON_A_GROUND for ground in GROUNDS[scheme]]
    poor = [(one, two, round(contrast(one, two), 2)) for one, two in pairs if contrast(one, two) < 4.5]
    assert not poor


@pytest.mark.parametrize("name", ["authoring.css", "editor.css"])
def test_who_prefers_dark_gets_the_same_colours_as_who_chose_it(name: str) -> None:
    text = (FOLDER / name).read_text()
    chosen = re.search(r'^html\[data-theme="dark"\] \{(.*?)^\}', text, re.DOTALL | re.MULTILINE)
    preferred = re.search(r':root:not\(\[data-theme="light"\]\) \{(.*?)\n  \}', text, re.DOTALL)
    assert chosen
    assert preferred
    assert preferred[1].split() == chosen[1].split()
