"""No silent boxes: what no font has is named."""

from __future__ import annotations

import json
from pathlib import Path

import pypdfium2
import pytest
from PIL import ImageChops

from templates_app.renderer import glyphs
from templates_app.renderer.sandbox import Sandbox
from templates_app.renderer.wire import MAX_WARNING_CHARS
from tests.renderer.support import FONT_PATH, Asset, Engine, Language, spec, text_of

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


SCRIPTS = "漢字 かな 中文 السلام فارسی گچپژ 😀"
SOURCES = {
    Language.JINJA2: "<p>{{ t }}</p><b>{{ t }}</b>",
    Language.HANDLEBARS: "<p>{{t}}</p><b>{{t}}</b>",
    Language.MJML: "<mjml><mj-body><mj-section><mj-column><mj-text>{{ t }}</mj-text></mj-column></mj-section>"
    "</mj-body></mjml>",
    Language.MARKDOWN: "# {{ t }}\n\n{{ t|markdown }}\n\n    {{ t|markdown }}",
    Language.RAW_HTML: f"<p>{SCRIPTS}</p><b>{SCRIPTS}</b>",
}


@pytest.mark.parametrize("engine", list(Engine))
@pytest.mark.parametrize("language", list(Language))
def test_every_language_prints_every_script_that_is_promised(
    sandbox: Sandbox, language: Language, engine: Engine
) -> None:
    payload = json.dumps({"t": SCRIPTS}).encode()
    document = sandbox.render(spec(SOURCES[language], engine=engine, language=language, payload=payload), tenant="acme")
    assert document.warnings == ()
    text = text_of(document)
    assert [one for one in "漢字かな中文" if one not in text] == []


@pytest.mark.parametrize("engine", list(Engine))
@pytest.mark.parametrize("weight", ["normal", "bold"])
def test_no_character_of_them_looks_like_the_box_of_a_missing_one(
    sandbox: Sandbox, engine: Engine, weight: str
) -> None:
    characters = sorted(set(SCRIPTS) - {" "})
    style = f"@page {{ size: 40px 40px; margin: 2px }} p {{ margin: 0; break-after: page; font-weight: {weight} }}"
    pages = "".join(f"<p>{one}</p>" for one in [LINEAR_A, *characters])
    document = sandbox.render(spec(f"<style>{style}</style>{pages}", engine=engine), tenant="acme")
    with pypdfium2.PdfDocument(document.pdf) as pdf:
        box, *pictures = [pdf[number].render().to_pil().convert("L") for number in range(len(characters) + 1)]
    for one, picture in zip(characters, pictures, strict=True):
        assert picture.getextrema() != (255, 255), f"{one} is blank"
        assert ImageChops.difference(picture, box).getbbox() is not None, f"{one} is a box"


def test_only_what_is_drawn_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "_installed", set(range(32, 127)))
    hidden = (
        f"<title>{LINEAR_A}</title><style>a {{ quotes: '{LINEAR_A}' }} /* {LINEAR_A} */</style><!-- {LINEAR_A} -->"
        f"<p title='{LINEAR_A}'>plain"
    )
    assert glyphs.missing_glyphs(hidden, ()) == []


@pytest.mark.parametrize(
    "document",
    [
        f"<style>@page {{ @top-left {{ content: 'a' \"{LINEAR_A}\" counter(page) }} }}</style>",
        "<style>p::before { content: '\\010600 ' }</style>",
        f"<style>p::after {{ content: attr(data-x) }}</style><p class=a data-x='{LINEAR_A}'>",
        "<style>p::after { content: attr(data-x) }</style><p data-x=&#x10600;>",
    ],
)
def test_what_styles_print_counts(document: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "_installed", set(range(32, 127)))
    (warning,) = glyphs.missing_glyphs(document, ())
    assert warning.endswith(f"boxes: {LINEAR_A} (U+10600 LINEAR A SIGN AB001)")


def test_a_font_of_the_version_counts_and_a_broken_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "_installed", set(range(32, 127)))
    own = Asset("own.ttf", "font/ttf", Path(FONT_PATH).read_bytes())
    assert glyphs.missing_glyphs("<p>ä</p>", (own,)) == []
    for useless in (Asset("x.ttf", "font/ttf", b"nonsense"), Asset("ä.png", "image/png", own.data)):
        assert "U+00E4" in glyphs.missing_glyphs("<p>ä</p>", (useless,))[0]


def test_many_are_named_in_short_and_very_many_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "_installed", set(range(32, 127)))
    text = "".join(chr(0x10600 + number) for number in range(60))
    (warning,) = glyphs.missing_glyphs(text, ())
    assert warning.endswith("U+1061D and 30 more")
    assert [one for one in text[:30] if one not in warning] == []
    assert len(warning) <= MAX_WARNING_CHARS


def test_without_fontconfigs_tools_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "_installed", set())
    monkeypatch.setenv("PATH", "/nowhere")
    glyphs.learn_installed()
    assert glyphs.missing_glyphs(LINEAR_A, ()) == []


def test_the_text_is_still_there(sandbox: Sandbox) -> None:
    assert "漢字" in text_of(sandbox.render(spec("<p>漢字</p>"), tenant="acme"))
