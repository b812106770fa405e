"""Each check before publishing: what it finds, where, and what it leaves alone."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from templates_app.authoring import gate
from templates_app.models import TemplateAsset, TemplateVersion
from templates_app.renderer.contracts import RenderLimits
from templates_app.renderer.sandbox import Sandbox
from templates_app.renderer_pools import SandboxPool
from tests.templates.conftest import Author, codes
from tests.templates.test_assets_api import upload

DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


def found(author: Author, code: str, **fields: Any) -> list[tuple[str, int | None, int | None]]:
    """Return the places of the findings of one code."""
    return [(f["file"], f["line"], f["column"]) for f in author.findings(**fields) if f["code"] == code]


@pytest.mark.parametrize("engine", ["weasyprint", "plutobook"])
def test_a_decent_version_has_no_findings(author: Author, engine: str) -> None:
    html = """<style>body { font: 12pt/1.4 "DejaVu Sans", sans-serif } .a { display: flex }</style>
    <div class="a"><a href="https://example.com">{{ name }}</a></div><table><tr><td>ä €</table>"""
    assert author.findings(html_source=html, engine=engine) == []


def test_a_source_that_does_not_compile_is_told_with_file_and_line(author: Author) -> None:
    assert found(author, "template_error", html_source="a\n\n{% if %}") == [("html_source", 3, None)]
    broken = {"html_source": "a{% include 'line' %}", "partials": {"line": "x\n{{ }}"}}
    assert found(author, "template_error", **broken) == [("partials/line", 2, None)]


def test_a_handlebars_source_that_does_not_compile_is_told(author: Author) -> None:
    findings = author.findings(language="handlebars", html_source="<p>\n{{#if}}")
    assert ("template_error", "html_source") in {(f["code"], f["file"]) for f in findings}


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        ("p { font-family: Nowhere, sans-serif }", ["error font_missing"]),
        ("p { font-family: 'No Where' }", ["error font_missing"]),
        ("p { font: italic bold 10pt/12pt Nowhere, serif }", ["error font_missing"]),
        ("@media print { p { font-family: Nowhere } }", ["error font_missing"]),
        ("@page { @top-left { content: 'x'; font-family: Nowhere } }", ["error font_missing"]),
        ("p { b { font-family: Nowhere } }", ["error font_missing"]),
        (":root { --x: Nowhere, serif } p { font-family: var(--x) }", ["error font_missing"]),
        (":root { --x: var(--y); --y: Nowhere } p { font: 9pt/2 var(--x), serif }", ["error font_missing"]),
        (":root { --x: var(--x) } p { font-family: var(--x); color: var(--z) }", []),
        ("p { font-family: var(--none, Nowhere) }", ["error font_missing"]),
        (":root { --x: 'DejaVu Sans' } p { font-family: var(--x, Nowhere) }", []),
        ("p { font-family: 'DejaVu Sans', Nowhere, sans-serif }", ["warning font_fallback_missing"]),
        ("p { font-family: dejavu   SANS }", []),
        ("p { font: inherit } h1 { font: small serif } b { font-family: var(--x) }", []),
        ("@font-face { font-family: Own; src: local('DejaVu Sans') } p { font-family: Own }", []),
        ("/* p { font-family: Nowhere } */", []),
    ],
)
def test_every_font_is_an_asset_or_installed(author: Author, css: str, expected: list[str]) -> None:
    assert codes(author.findings(css_source=css)) == expected


def test_locale_time_zone_and_trusted_fields_make_sense(author: Author) -> None:
    version = author.draft(sample_payload={"name": "Ada", "rows": [{"html": "<b>x</b>"}]})
    # What an older version or another door let in.
    trusted = ["rows.*.html", "rows.html", "rows..html"]
    TemplateVersion.objects.update(locale="xx-YY", timezone="Mars/Olympus", trusted_fields=trusted)
    findings = author.publish(version).json()["findings"]
    assert [(f["file"], f["severity"], f["code"]) for f in findings] == [
        ("locale", "error", "locale_unknown"),
        ("timezone", "error", "timezone_unknown"),
        ("trusted_fields", "error", "trusted_field_invalid"),
        ("trusted_fields", "warning", "trusted_field_unused"),
    ]
    assert "rows.html" in findings[-1]["message"]


def test_a_locale_that_looks_like_one_but_is_none_is_found_before_publishing(author: Author) -> None:
    assert found(author, "locale_unknown", locale="en-XX") == [("locale", None, None)]
    assert found(author, "locale_unknown", locale="zh-Hant-TW") == []


def test_a_font_in_a_style_attribute_counts_too(author: Author) -> None:
    html = "<p>\n<b style='font-family: Nowhere'>x</b>"
    assert found(author, "font_missing", html_source=html) == [("html_source", 2, 24)]


def test_an_assets_font_needs_its_asset(author: Author) -> None:
    css = "@font-face { font-family: Own; src: url(asset:own.ttf) }\np { font-family: Own }"
    version = author.draft(css_source=css)
    refused = author.publish(version).json()
    assert codes(refused["findings"]) == ["error asset_missing"]
    upload(author, DEJAVU.read_bytes(), kind="font", name="own.ttf")
    assert author.publish(version).status_code == 200


@pytest.mark.parametrize(
    ("language", "source", "places"),
    [
        ("jinja2", "<p>\n <img src='asset:x.png'>", [(2, 12)]),
        ("jinja2", "<!-- asset:x.png --> {# asset:y.png #}<img src='asset:{{ name }}.png'>", [(1, None)]),
        ("handlebars", "{{!-- asset:x.png --}}<img src='asset:x.png#a'>", [(1, 33)]),
        ("markdown", "# T\n\n![logo](asset:x.png)\n", [(3, 9)]),
        ("raw_html", "<div style=\"background: url('asset:x.png')\">x</div>", [(1, 30)]),
    ],
)
def test_every_asset_is_there(author: Author, language: str, source: str, places: list[Any]) -> None:
    finds = found(author, "asset_missing", language=language, html_source=source)
    assert {line for _, line, _ in finds} <= {line for line, _ in places} | {None}
    for line, column in places:
        if column is not None:
            assert ("html_source", line, column) in finds


@pytest.mark.parametrize(
    ("language", "source", "place"),
    [
        ("jinja2", "<p>\n{% include 'line' %}", (2, 1)),
        ("jinja2", '{%- extends "base" -%}', (1, 1)),
        ("jinja2", "{% from 'macros' import x %}", (1, 1)),
        ("handlebars", "<p>\n  {{> line}}", (2, 3)),
        ("handlebars", "{{>'line' x=1}}", (1, 1)),
        ("mjml", "<mjml><mj-body>{% include 'line' %}</mj-body></mjml>", (1, 16)),
    ],
)
def test_every_partial_is_there(author: Author, language: str, source: str, place: tuple[int, int]) -> None:
    assert ("html_source", *place) in found(author, "partial_missing", language=language, html_source=source)


@pytest.mark.parametrize(
    ("language", "source"),
    [
        ("jinja2", "{% include 'line' ignore missing %}{# {% include 'line' %} #}"),
        ("handlebars", "{{#*inline 'line'}}x{{/inline}}{{> line}}{{#> other}}instead{{/other}}"),
        ("handlebars", "{{!-- {{> line}} --}}x"),
    ],
)
def test_a_partial_that_need_not_be_there_is_no_fault(author: Author, language: str, source: str) -> None:
    assert found(author, "partial_missing", language=language, html_source=source) == []


@pytest.mark.parametrize(
    "source",
    [
        "<img src='https://example.com/x.png'>",
        "<img src=//example.com/x.png>",
        "<link rel=stylesheet href='http://example.com/x.css'>",
        "<style>@import 'https://example.com/x.css'; </style>x",
        "<style>@import url(file:///etc/passwd); p { background: URL( 'ftp://x/y' ) }</style>x",
        "<svg xmlns='http://www.w3.org/2000/svg'><image href='https://example.com/x.png'/></svg>",
        "<svg xmlns:xlink='http://www.w3.org/1999/xlink'><image xlink:href='https://example.com/x'/></svg>",
        "<object data='https://example.com/x.svg'></object>",
        '<p style="background: url(https://example.com/x.png)">x',
    ],
)
def test_no_url_leaves_the_machine(author: Author, source: str) -> None:
    assert found(author, "url_outside", html_source=source)[0][:2] == ("html_source", 1)


def test_a_url_that_only_the_sample_brings_is_found_in_the_document(author: Author) -> None:
    fields = {"html_source": "<img src='{{ name }}'>", "sample_payload": {"name": "https://example.com/x.png"}}
    assert found(author, "url_outside", **fields) == [("html_source", None, None)]
    fields = {"html_source": "<img src='logo.png'>"}
    assert found(author, "url_outside", **fields) == [("html_source", 1, 11)]


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        ({"type": "nonsense"}, "schema_invalid"),
        ({"properties": {"a": {"pattern": "(?=x)"}}}, "schema_invalid"),
        ({"properties": {"a": {"$ref": "#/$defs/nothing"}}}, "schema_invalid"),
        ({"properties": {"a": {"$ref": "https://example.com/x.json"}}}, "schema_reference"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "schema_reference"),
        ({"items": [{"$dynamicRef": "other.json#x"}]}, "schema_reference"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "schema_dialect"),
        ({"required": ["age"]}, "sample_unfit"),
        (False, "sample_unfit"),
    ],
)
def test_the_schema_is_one_and_the_sample_fits(author: Author, schema: Any, code: str) -> None:
    assert codes(author.findings(payload_schema=schema)) == [f"error {code}"]


def test_words_that_look_like_references_are_no_references(author: Author) -> None:
    schema = {"properties": {"$ref": {"const": {"$ref": "https://example.com"}}}, "examples": [{"$ref": "x"}]}
    assert author.findings(payload_schema=schema) == []


def test_the_sample_must_do(author: Author) -> None:
    assert found(author, "sample_error", html_source="x\n{{ nix }}") == [("html_source", 2, None)]
    finding = author.findings(html_source="{{ nix }}", sample_payload=None)
    assert codes(finding) == ["error sample_missing"]
    assert author.findings(html_source="<p>x", sample_payload=None) == []


def test_a_document_or_schema_that_takes_too_long_is_an_error_beside_all_others(
    author: Author, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    pool = SandboxPool(
        lambda: Sandbox(scratch_root=settings.DATA_DIR / "scratch", limits=RenderLimits(timeout_s=1.5)),
        size=1,
        wait_s=1,
    )
    monkeypatch.setattr(gate, "authoring_pool", pool)
    deep: dict[str, Any] = {}
    for _ in range(40):
        deep = {"a": deep}
    recursive = {"anyOf": [{"properties": {"a": {"$ref": "#"}}, "required": ["x"]}] * 2}
    loop = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}<img src='asset:x.png'>"
    try:
        findings = author.findings(html_source=loop, payload_schema=recursive, sample_payload=deep)
    finally:
        pool.close()
    seen = {(finding["code"], finding["file"]) for finding in findings}
    assert ("asset_missing", "html_source") in seen
    assert ("render_timeout", "html_source") in seen
    assert seen & {("render_timeout", "payload_schema"), ("render_memory", "payload_schema")}


FLEX = "<div style='display:flex'>"


@pytest.mark.parametrize(
    ("html", "warned"),
    [
        (FLEX * 4 + "x", True),
        (FLEX * 3 + "x", False),
        ("<style>.f, nav { display: inline-flex }</style>" + "<nav><p class=f><b>" * 2 + FLEX + FLEX + "x", True),
        ("<style>.f { display: flex }</style>" + "<div class=f>x</div>" * 9, False),
    ],
)
def test_flex_nested_four_deep_is_a_warning(author: Author, html: str, warned: bool) -> None:
    assert codes(author.findings(html_source=html)) == ["warning flex_nested"] * warned


def test_a_long_table_without_a_head_is_a_warning(author: Author) -> None:
    rows = "<tr><td>x</td></tr>" * 30
    assert found(author, "table_without_head", html_source=f"\n<table>{rows}</table>") == [("html_source", 2, 1)]
    assert author.findings(html_source=f"<table><thead><tr><th>h</thead>{rows}</table>") == []
    assert author.findings(html_source="<table><tr><td>x</table>") == []


@pytest.mark.parametrize("engine", ["weasyprint", "plutobook"])
def test_an_image_far_larger_than_printed_is_a_warning(author: Author, engine: str) -> None:
    stream = io.BytesIO()
    Image.effect_noise((2000, 1500), 50).save(stream, "JPEG")
    html = "<img src='asset:big.jpg' style='width: 20mm'>"
    version = author.draft(html_source=html, engine=engine)
    upload(author, stream.getvalue(), name="big.jpg")
    shown = author.publish(version).json()
    assert codes(shown["findings"]) == ["warning image_oversized"]
    assert "2000 x 1500" in shown["findings"][0]["message"]
    assert "20 mm" in shown["findings"][0]["message"]
    large = author.post("/versions", {"copy_of": version, "html_source": html.replace("20mm", "170mm")}).json()
    assert author.publish(large["version"]).json()["findings"] == []


def test_glyphs_that_no_font_has_are_a_warning_that_names_them(author: Author) -> None:
    (finding,) = author.findings(html_source="<p>ä € \U00010900 {{ name }}")
    assert (finding["severity"], finding["code"]) == ("warning", "glyph_missing")
    assert "U+10900" in finding["message"]


@pytest.mark.parametrize(
    ("engine", "left"),
    # PlutoBook shrinks what would run off on the right.
    [("weasyprint", "170mm"), ("weasyprint", "-40mm"), ("plutobook", "-40mm")],
)
def test_text_that_runs_off_the_page_is_a_warning(author: Author, engine: str, left: str) -> None:
    html = f"<p>\n<span style='position: absolute; left: {left}; white-space: nowrap'>far too long a text to fit</span>"
    (finding,) = author.findings(html_source=html, engine=engine)
    assert (finding["code"], finding["severity"], finding["line"]) == ("text_off_page", "warning", 2)


def test_a_document_whose_text_is_on_no_page_is_a_warning(author: Author) -> None:
    small = "<style>@page { size: 100mm 50mm } p { color: red }</style>"
    (finding,) = author.findings(html_source=f"{small}<h1>Dear {{{{ name }}}}</h1>", engine="plutobook")
    assert (finding["code"], finding["severity"]) == ("text_off_page", "warning")
    assert "margins" in finding["message"]
    for fine in (
        f"{small}<title>T</title><img src='data:,'>",
        f"{small}<style>@page {{ margin: 5mm }}</style><h1>Dear",
    ):
        assert "text_off_page" not in str(author.findings(html_source=fine, engine="plutobook"))


def test_the_samples_that_come_with_the_service_pass(author: Author) -> None:
    from django.core.management import call_command

    call_command("load_samples", "acme", verbosity=0)
    for version in TemplateVersion.objects.filter(status="published"):
        findings = gate.version_findings(version)
        assert [f for f in findings if f.severity == "error"] == [], (version, json.dumps(list(map(str, findings))))
    assert TemplateAsset.objects.exists()
