"""MJML templates: MRML first, then Jinja2, and nothing of either reaches out."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pypdfium2
import pytest

from templates_app.renderer.contracts import RenderError
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.support import Engine, ErrorCode, Language, spec, text_of, written, written_error

FRAME = "<mjml><mj-body><mj-section><mj-column>{}</mj-column></mj-section></mj-body></mjml>"


def html(source: str, payload: object = None, **more: Any) -> str:
    return written(FRAME.format(source), payload, language=Language.MJML, **more)


def error(source: str, payload: object = None, **more: Any) -> RenderError:
    return written_error(FRAME.format(source), payload, language=Language.MJML, **more)


def test_variables_are_kept_and_escaped() -> None:
    out = html(
        '<mj-text>{{ a }}</mj-text><mj-button href="{{ b["u"] }}">Go</mj-button>', {"a": "<b>", "b": {"u": '"x'}}
    )
    assert "&lt;b&gt;" in out
    assert 'href="&#34;x"' in out


def test_jinja_need_not_be_xml() -> None:
    source = "<mj-text>{% if 1 < a and a > 2 %}{{ '&' }}{% endif %}{% raw %}{{ x }}{% endraw %}{# <gone> #}</mj-text>"
    assert ">&amp;{{ x }}</div>" in html(source, {"a": 3})


def test_rows_repeat_between_raw_elements() -> None:
    source = "<mj-raw>{% for r in rows %}</mj-raw><mj-text>row {{ r }}</mj-text><mj-raw>{% endfor %}</mj-raw>"
    assert html(source, {"rows": [1, 2]}).count(">row ") == 2


def test_partials_and_helpers_are_jinjas() -> None:
    out = html(
        "<mj-text>{% include 'line' %} {{ qr_code('x') }}</mj-text>",
        {"v": 2},
        partials={"line": "{{ v|money('EUR') }}"},
    )
    assert "€2.00 <svg" in out


@pytest.mark.parametrize(
    "include",
    [
        '<mj-include path="x.mjml" />',
        '<MJ-Include path="x.mjml"/>',
        '<mj-raw><mj-include path="x"/></mj-raw>',
        '<mj-text><mj-include path="x"/></mj-text>',
        '<mj-include\npath="/etc/passwd" type="css"/>',
        '<x:mj-include path="x"/>',
        '<!-- <mj-include path="x"/> -->',
    ],
)
def test_includes_are_refused_in_any_spelling(include: str) -> None:
    caught = error("\n\n" + include)
    assert (caught.code, caught.line) == (ErrorCode.TEMPLATE_ERROR, 3)
    assert "mj-include" in caught.message


@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        ("<mj-text>{{ a }}</mj-text>\n<mj-text>\n{{ missing }} {{ a }}</mj-text>", ErrorCode.PAYLOAD_ERROR, 3),
        ("<mj-text>{{ a }}</mj-text>\n\n<mj-button href='{{ 1 / 0 }}'>x</mj-button>", ErrorCode.TEMPLATE_ERROR, 3),
        ("<mj-text>\n{% if %}</mj-text>", ErrorCode.TEMPLATE_ERROR, 2),
        ("<mj-text>\n\n{{ a", ErrorCode.TEMPLATE_ERROR, 3),
    ],
)
def test_an_error_names_the_line_of_the_mjml(source: str, code: ErrorCode, line: int) -> None:
    caught = error(source, {"a": 1})
    assert (caught.code, caught.line) == (code, line)


@pytest.mark.parametrize(
    "source", ["", "<p>", "<mjml>", "not mjml", "<mjml><mj-body><mj-nope/></mj-body></mjml>", "<" * 9999]
)
def test_what_is_no_mjml_is_the_templates_error_or_a_page(source: str) -> None:
    with suppress(RenderError):
        assert "<html" in written(source, language=Language.MJML)


@pytest.mark.parametrize("engine", list(Engine))
def test_columns_stand_side_by_side_and_no_web_font_is_asked_for(sandbox: Sandbox, engine: Engine) -> None:
    source = """<mjml><mj-head><mj-font name="Raleway" href="https://fonts.example/css?family=Raleway" /></mj-head>
      <mj-body><mj-section><mj-column><mj-text font-family="Raleway">Left {{ a }}</mj-text></mj-column>
      <mj-column><mj-text>Right</mj-text></mj-column></mj-section></mj-body></mjml>"""
    document = sandbox.render(spec(source, engine=engine, language=Language.MJML, payload=b'{"a": 1}'), tenant="acme")
    assert document.warnings == ()
    # PDFium puts what stands on one line into one line.
    assert "Left 1" in text_of(document)
    assert "Left 1\r\nRight" not in text_of(document) or engine is Engine.WEASYPRINT


@pytest.mark.parametrize("engine", list(Engine))
def test_a_column_is_as_wide_as_it_says_and_its_text_ends_there(sandbox: Sandbox, engine: Engine) -> None:
    source = """<mjml><mj-head><mj-style>@page { size: 600px 300px; margin: 0 }</mj-style></mj-head>
      <mj-body width="600px"><mj-section><mj-column width="40%"><mj-text>a</mj-text></mj-column>
      <mj-column width="60%"><mj-text align="right" padding="0">Z</mj-text></mj-column></mj-section></mj-body></mjml>"""
    document = sandbox.render(spec(source, engine=engine, language=Language.MJML), tenant="acme")
    with pypdfium2.PdfDocument(document.pdf) as pdf:
        text = pdf[0].get_textpage()
        right = text.get_charbox(text.get_text_range().index("Z"))[2]
    assert right == pytest.approx(600 * 0.75, abs=10)
