from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloads_app.page_parts import style_sheet
from pdfservice.lib.colours import BLACK, WHITE, Colour, ink_on, parse_colour, visible_on

PART = st.integers(0, 255)
COLOURS = st.builds(Colour, PART, PART, PART)
DARK_CARD = parse_colour("#191f2b")


def test_contrast_is_what_wcag_says() -> None:
    assert WHITE.contrast(BLACK) == pytest.approx(21)
    assert WHITE.contrast(WHITE) == 1
    assert parse_colour("#777777").contrast(WHITE) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("text", ["", "#fff", "2456d6", "#2456d", "#2456dg", "#2456d6 ", "red", "#\uff12456d6"])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="six hexadecimal digits"):
        parse_colour(text)


@given(colour=COLOURS)
def test_text_on_any_colour_can_be_read(colour: Colour) -> None:
    assert ink_on(colour).contrast(colour) >= 4.5


@given(colour=COLOURS, contrast=st.sampled_from([3.0, 4.5]))
def test_any_colour_is_made_visible_on_light_and_dark(colour: Colour, contrast: float) -> None:
    for card in (WHITE, DARK_CARD):
        assert visible_on(colour, card, contrast=contrast).contrast(card) >= contrast


def test_a_colour_that_can_be_seen_stays_as_it_is() -> None:
    colour = parse_colour("#2456d6")
    assert visible_on(colour, WHITE, contrast=4.5) == colour


@given(colour=COLOURS)
def test_the_style_sheet_of_any_colour_keeps_text_readable(colour: Colour) -> None:
    light, dark = style_sheet(colour).split("@media")
    for css, card in ((light, WHITE), (dark, DARK_CARD)):
        found = dict(part.strip().split(": ") for part in css.split("{")[-1].split("}")[0].strip(" ;").split(";"))
        value = {name: parse_colour(text) for name, text in found.items()}
        assert value["--accent"] == colour
        assert value["--on-accent"].contrast(value["--accent"]) >= 4.5
        assert value["--on-accent"].contrast(value["--accent-strong"]) >= 4.5
        assert value["--edge"].contrast(card) >= 3
        assert value["--mark"].contrast(card) >= 4.5
