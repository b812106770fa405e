"""No silent boxes: what no font has is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from templates_app.renderer import glyphs
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.support import FONT_PATH, Asset, Engine, spec, text_of

# Linear A: no font that script/setup installs has it, and DejaVu never will.
LINEAR_A = "\U00010600"
WRITTEN = [
    "漢字 かな",
    "السلام عليكم",
    "سلام دنیا",
    "😀🚀✅",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 ❤\ufe0f",
    "Ελλάδα Київ",
    "a\u00adb\u200b\u2060",
]


@pytest.mark.parametrize("engine", list(Engine))
def test_what_no_font_has_is_named_once(sandbox: Sandbox, engine: Engine) -> None:
    document = sandbox.render(spec(f"<p>a {LINEAR_A}{LINEAR_A} &#x10601;", engine=engine), tenant="acme")
    assert document.warnings == (
        f"No font has these characters, so they print as boxes: {LINEAR_A} (U+10600 LINEAR A SIGN AB001), "
        "\U00010601 (U+10601 LINEAR A SIGN AB002)",
    )


@pytest.mark.parametrize("engine", list(Engine))
@pytest.mark.parametrize("text", WRITTEN)
def test_languages_and_emoji_come_out_without_warning(sandbox: Sandbox, engine: Engine, text: str) -> None:
    document = sandbox.render(spec(f"<p>{text}</p>", engine=engine), tenant="acme")
    assert document.warnings == ()


def test_only_what_is_drawn_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "_installed", set(range(32, 127)))
    hidden = f"<style>a {{ content: '{LINEAR_A}' }}</style><!-- {LINEAR_A} --><p title='{LINEAR_A}'>plain"
    assert glyphs.missing_glyphs(hidden, ()) == []


def test_a_font_of_the_version_counts_and_a_broken_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "_installed", set(range(32, 127)))
    own = Asset("own.ttf", "font/ttf", Path(FONT_PATH).read_bytes())
    assert glyphs.missing_glyphs("<p>ä</p>", (own,)) == []
    for useless in (Asset("x.ttf", "font/ttf", b"nonsense"), Asset("ä.png", "image/png", own.data)):
        assert "U+00E4" in glyphs.missing_glyphs("<p>ä</p>", (useless,))[0]


def test_many_are_counted_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "_installed", set(range(32, 127)))
    text = "".join(chr(0x10600 + number) for number in range(30))
    assert glyphs.missing_glyphs(text, ())[0].endswith("and 20 more")


def test_without_fontconfigs_tools_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "_installed", set())
    monkeypatch.setenv("PATH", "/nowhere")
    glyphs.learn_installed()
    assert glyphs.missing_glyphs(LINEAR_A, ()) == []


def test_the_text_is_still_there(sandbox: Sandbox) -> None:
    assert "漢字" in text_of(sandbox.render(spec("<p>漢字</p>"), tenant="acme"))
