"""Size, orientation and margins that a caller asks for, on both engines and against whatever the template says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pypdfium2
import pytest

from templates_app.page_options import PageOptionsSerializer, page_options
from templates_app.renderer.contracts import Engine, RenderedDocument
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.support import spec

PLAIN = "<p>x"
STUBBORN = """<style>@page { size: A5; margin: 40mm } @page :first { margin: 1mm }
@media print { @page wide { size: A6 landscape !important } } .c { page: wide; break-after: page }</style>
<div class="c">one</div><p>two<style>@page { size: 120mm 130mm }</style>"""
LANDSCAPE = "<style>@page { size: A5 landscape }</style><p>x"


def sizes(sandbox: Sandbox, engine: Engine, html: str, css: str = "", **options: Any) -> list[tuple[int, int]]:
    """Return width and height of each page in millimetres."""
    with pypdfium2.PdfDocument(rendered(sandbox, engine, html, css, **options).pdf) as pdf:
        return [(round(page.get_width() / 72 * 25.4), round(page.get_height() / 72 * 25.4)) for page in pdf]


def rendered(sandbox: Sandbox, engine: Engine, html: str, css: str = "", **options: Any) -> RenderedDocument:
    """Render with options as a request has them."""
    checked = PageOptionsSerializer(data=options)
    checked.is_valid(raise_exception=True)
    wanted = replace(spec(html, engine=engine, css=css), page=page_options(checked.validated_data))
    return sandbox.render(wanted, tenant="acme")


@pytest.mark.parametrize("engine", Engine)
@pytest.mark.parametrize(
    ("html", "options", "expected"),
    [
        (PLAIN, {}, [(210, 297)]),
        (PLAIN, {"page_size": "Letter"}, [(216, 279)]),
        (PLAIN, {"orientation": "landscape"}, [(297, 210)]),
        (PLAIN, {"page_size": "A3", "orientation": "landscape"}, [(420, 297)]),
        (PLAIN, {"page_size": "100mm 60mm"}, [(100, 60)]),
        (PLAIN, {"page_size": "100mm 6cm", "orientation": "portrait"}, [(60, 100)]),
        (LANDSCAPE, {"orientation": "portrait"}, [(148, 210)]),
        (LANDSCAPE, {"page_size": "a4"}, [(297, 210)]),
        (STUBBORN, {"page_size": "A4"}, [(297, 210), (210, 297)]),
        (STUBBORN, {"page_size": "A4", "orientation": "portrait"}, [(210, 297), (210, 297)]),
        (STUBBORN, {"orientation": "landscape"}, [(148, 105), (130, 120)]),
    ],
)
def test_pages_have_the_size_that_was_asked_for(
    sandbox: Sandbox, engine: Engine, html: str, options: dict[str, Any], expected: list[tuple[int, int]]
) -> None:
    if engine is Engine.PLUTOBOOK:
        expected = [expected[-1]] * len(expected)  # it knows one size for all pages, and no named ones
    assert sizes(sandbox, engine, html, **options) == expected


@pytest.mark.parametrize("engine", Engine)
def test_the_style_sheets_page_is_overridden_too(sandbox: Sandbox, engine: Engine) -> None:
    assert sizes(sandbox, engine, PLAIN, "@page { size: A5 landscape }", orientation="portrait") == [(148, 210)]


@pytest.mark.parametrize("engine", Engine)
@pytest.mark.parametrize(
    "html", ["<body style='margin:0'><p style='margin:0'>x", "<p>x<style>@page { margin: 0 }</style>"]
)
def test_margins_that_were_asked_for_win_and_others_stay(sandbox: Sandbox, engine: Engine, html: str) -> None:
    html = f"<style>* {{ margin: 0; font-size: 20px }} @page {{ margin: 0 }}</style>{html}"
    document = rendered(sandbox, engine, html, margins={"left": "50mm"})
    with pypdfium2.PdfDocument(document.pdf) as pdf:
        left, _, _, top = pdf[0].get_textpage().get_charbox(0)
        assert left / 72 * 25.4 == pytest.approx(50, abs=1)
        above = (pdf[0].get_height() - top) / 72 * 25.4
        assert above < 10, "the margins that nobody asked for are the template's"


@pytest.mark.parametrize("engine", Engine)
def test_margins_larger_than_the_page_end_in_a_document_or_an_error_and_nothing_worse(
    sandbox: Sandbox, engine: Engine
) -> None:
    html = "<style>@page { size: 50mm 50mm }</style><p>word word word"
    assert rendered(sandbox, engine, html, margins={"left": "200mm", "right": "200mm"}).page_count >= 1


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"page_size": "A44"}, "page_size"),
        ({"page_size": "5mm 5mm"}, "page_size"),
        ({"page_size": "100mm"}, "page_size"),
        ({"page_size": "100mm 100mm 100mm"}, "page_size"),
        ({"page_size": "A4; } body { color: red"}, "page_size"),
        ({"page_size": 7}, "page_size"),
        ({"orientation": "upside down"}, "orientation"),
        ({"margins": "20mm"}, "margins"),
        ({"margins": {"top": "20"}}, "margins"),
        ({"margins": {"top": "-1mm"}}, "margins"),
        ({"margins": {"top": "201mm"}}, "margins"),
        ({"margins": {"top": "1mm;color:red"}}, "margins"),
        ({"margins": {"inner": "1mm"}}, "margins"),
        ({"page_size": "A5", "margins": {"left": "80mm", "right": "68mm"}}, "margins"),
        ({"page_size": "A5", "orientation": "landscape", "margins": {"top": "74mm", "bottom": "74mm"}}, "margins"),
    ],
)
def test_a_wrong_value_is_refused_by_name(options: dict[str, Any], place: str) -> None:
    checked = PageOptionsSerializer(data=options)
    assert not checked.is_valid()
    assert set(checked.errors) == {place}
