"""Markdown templates: values are text, `|markdown` is Markdown, HTML is neither, and maths are drawn."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import pytest

from templates_app.renderer.contracts import RenderError
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.support import Asset, Engine, ErrorCode, Language, spec, text_of, written, written_error


def html(source: str, payload: object = None, **more: Any) -> str:
    """Return what stands in the body."""
    page = written(source, payload, language=Language.MARKDOWN, **more)
    return page.partition('<body class="markdown-body">')[2].removesuffix("</body></html>").strip()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("*a* **b** `c`", "<p><em>a</em> <strong>b</strong> <code>c</code></p>"),
        ("~~a~~", "<p><s>a</s></p>"),
        ("|a|b|\n|-|-:|\n|1|2|", '<td style="text-align:right">2</td>'),
        ("- [x] a\n- [ ] b", 'M4 8.5 7 11.5 12 5"/></svg> a</li>'),
        ("a[^1]\n\n[^1]: the foot", '<section class="footnotes">'),
        ("```python\ndef f(): ...\n```", '<span class="k">def</span>'),
        ("```nosuch\na < b\n```", "a &lt; b"),
        ("# A\n\n[[toc]]\n\n## B *c*\n\n### B *c*", '<li class="toc-h2"><a href="#b-c">B c</a></li>'),
        ("# A\n\n[[toc]]\n\n## B *c*\n\n## B *c*", '<a href="#b-c-2">'),
        ("[a](https://example.com)", '<a href="https://example.com">a</a>'),
        ("![a](asset:logo.png)", '<img src="asset:logo.png" alt="a" />'),
        ("سلام دنیا", '<p dir="rtl">'),
        ("- سلام\n- hello", '<ul dir="rtl">'),
        ("- hello\n- سلام", "<ul>"),
        ("# سلام hello", '<h1 id="سلام-hello" dir="rtl">'),
    ],
)
def test_markdown_becomes_html(source: str, expected: str) -> None:
    assert expected in html(source)


@pytest.mark.parametrize("source", ["$\\frac{a}{b}$", "$$\\int_0^1 x\\,dx$$", "a $x^2$ b"])
def test_maths_are_drawn(source: str) -> None:
    out = html(source)
    assert '<svg role="img" aria-label="' in out
    assert "<math" not in out


@pytest.mark.parametrize("source", ["\\frac{", "{" * 1500, "x" * 3000, "\\text{漢}", "<script>"])
def test_maths_that_cannot_be_drawn_are_shown_as_they_are_written(source: str) -> None:
    out = html("$${{ a|markdown }}$$", {"a": source})
    assert "<script" not in out
    assert "<code>" in out or "<svg" in out


ODD_TEXTS = [
    "*a*",
    "# a",
    "- a",
    "1. a",
    "> a",
    "    a",
    "a\n\n# b",
    "[a](b)",
    "![a](b)",
    "`a`",
    "|a|",
    "~~a~~",
    "$a$",
    "<b>a</b>",
    "&amp;",
    "a  \nb",
    "[[toc]]",
    "[^1]",
    "---",
    "\\*a",
    "_a_",
    "```\na\n```",
    "- [ ] a",
    "=\n=",
]


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_a_value_is_text_whatever_it_looks_like(text: str) -> None:
    out = html("x {{ a }} y\n\n{{ a }}", {"a": text})
    shown = "".join(re.findall(r">([^<]*)<", out))
    assert set(re.findall(r"<(\w+)", out)) == {"p"}
    for mark in set(text) - set(" \n"):
        assert {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(mark, mark) in shown


def test_a_value_marked_as_markdown_is_markdown_without_html() -> None:
    out = html("{{ a|markdown }}", {"a": "**b**\n\n<script>1</script><b onclick=x>\n\n<div>\n"})
    assert "<strong>b</strong>" in out
    assert set(re.findall(r"<(\w+)", out)) == {"p", "strong"}


@pytest.mark.parametrize("url", ["javascript:alert(1)", "vbscript:x", "file:///etc/passwd", "data:text/html,x"])
def test_links_that_act_are_no_links(url: str) -> None:
    assert "href" not in html("[a]({{ a|markdown }}) <{{ a|markdown }}> [b]({{ a }})", {"a": url})


def test_helpers_and_safe_html_pass_and_payloads_cannot_name_them() -> None:
    out = html("{{ qr_code('x') }} {{ a|safe }} {{ money(1, 'EUR') }}", {"a": "<i>i</i><script>1</script>"})
    assert "<svg" in out
    assert "<i>i</i>" in out
    assert "€1.00" in out
    assert "<script" not in out


def test_our_html_in_a_heading_is_not_in_its_contents() -> None:
    out = html("# T\n\n[[toc]]\n\n## A {{ image('logo.png') }}", assets=(Asset("logo.png", "image/png", b""),))
    assert re.search(r'<li class="toc-h2"><a href="#a">A</a></li>', out)
    assert 'src="asset:logo.png"' in out


def test_the_title_is_the_first_heading() -> None:
    assert "<title>A &lt;b&gt;</title>" in written("# {{ a }}", {"a": "A <b>"}, language=Language.MARKDOWN)


def test_macros_and_partials_write_markdown_once_escaped() -> None:
    partials = {"m": "{% macro bold(x) %}**{{ x }}**{% endmacro %}"}
    out = html("{% import 'm' as m %}{{ m.bold('a*b') }}", partials=partials)
    assert out == "<p><strong>a*b</strong></p>"


def test_errors_name_their_line() -> None:
    caught = written_error("# a\n\n{{ missing }}", language=Language.MARKDOWN)
    assert (caught.code, caught.line, caught.path) == (ErrorCode.PAYLOAD_ERROR, 3, "/missing")


@pytest.mark.parametrize("text", [">" * 5000 + "a", "- " * 2000, "[" * 5000, "*" * 5000 + "a", "`" * 3001, "$" * 999])
def test_deep_nesting_is_a_page_or_a_clear_error(text: str) -> None:
    with suppress(RenderError):
        assert html("{{ a|markdown }}", {"a": text})


@pytest.mark.parametrize("engine", list(Engine))
def test_a_page_has_its_words_and_refuses_remote_images(sandbox: Sandbox, engine: Engine) -> None:
    source = "# {{ title }}\n\n{{ content|markdown }}\n\n- [x] done\n\n$$x^2$$\n\n![far](https://example.com/x.png)"
    payload = b'{"title": "Plan *B*", "content": "Some **bold** words."}'
    document = sandbox.render(spec(source, engine=engine, language=Language.MARKDOWN, payload=payload), tenant="acme")
    text = text_of(document)
    assert "Plan *B*" in text
    assert "Some bold words." in text
    assert [warning.partition(" (line")[0] for warning in document.warnings] == ["https://example.com/x.png"]
