"""Handlebars as https://handlebarsjs.com/guide/ publishes it, in our own words, chapter by chapter."""

from __future__ import annotations

from typing import Any

import pytest

from tests.renderer.support import Language, written

Cases = list[tuple[str, Any, str]]
PartialCases = list[tuple[str, Any, dict[str, str], str]]
PEOPLE = {"people": [{"name": "Ann"}, {"name": "Bo"}], "title": "T", "map": {"x": 1, "y": 2}}
TREE = {"n": "a", "kids": [{"n": "b", "kids": [{"n": "c"}]}, {"n": "d"}]}


def html(source: str, payload: object = None, partials: dict[str, str] | None = None) -> str:
    return written(source, payload, language=Language.HANDLEBARS, partials=partials)


EXPRESSIONS: Cases = [
    ("{{a.b}} {{a/b}} {{a.[b]}} {{a.[b c]}}", {"a": {"b": 1, "b c": 2}}, "1 1 1 2"),
    ("{{[the key]}} {{[1st]}} {{'the key'}}", {"the key": 2, "1st": 3}, "2 3 2"),
    ("{{rows.[1]}} {{rows.[0].n}} {{rows.0.n}}", {"rows": [{"n": "a"}, "b"]}, "b a a"),
    ("{{this.a}} {{./a}} {{#with b}}{{this.c}}{{./c}}{{.}}{{/with}}", {"a": 1, "b": {"c": 2}}, "1 1 22[object Object]"),
    ("{{ a }}{{a }}{{\n a\n}}", {"a": 1}, "111"),
    ("{{missing}}{{a.b.c}}|{{{missing}}}|{{&missing}}", {}, "||"),
    (
        "{{zero}} {{no}} {{yes}} {{{no}}} {{null}}|",
        {"zero": 0, "no": False, "yes": True, "null": None},
        "0 false true false |",
    ),
    ("{{list}} {{nested}}", {"list": [1, 2], "nested": [[1], [2, 3]]}, "1,2 1,2,3"),
    ("{{length}} {{list.length}}", {"length": 7, "list": [1, 2, 3]}, "7 3"),
    ("{{äöü.ß}} {{a-b}} {{$a}} {{_a}}", {"äöü": {"ß": 1}, "a-b": 2, "$a": 3, "_a": 4}, "1 2 3 4"),
    ("{{! gone }}{{!-- {{a}} gone --}}{{!\n over\n lines }}x", {"a": 1}, "x"),
    ("\\{{a}} \\\\{{a}} \\{{{a}}}", {"a": 1}, "{{a}} \\1 {{{a}}}"),
    ("{{{{raw}}}} {{a}} {{{b}}} {{{{/raw}}}}", {"raw": True}, " {{a}} {{{b}}} "),
    ("{ {a} } {{a}} }", {"a": 1}, "{ {a} } 1 }"),
]

ESCAPING: Cases = [
    ("{{a}}", {"a": "& < > \" ' ` ="}, "&amp; &lt; &gt; &quot; &#x27; &#x60; &#x3D;"),
    ("{{a}}", {"a": "&amp; &lt;b&gt;"}, "&amp;amp; &amp;lt;b&amp;gt;"),
    ('<p title="{{a}}">{{a}}</p>', {"a": '"><i>'}, '<p title="&quot;&gt;&lt;i&gt;">&quot;&gt;&lt;i&gt;</p>'),
    ("{{{a}}}{{&a}}{{& a }}{{{ a }}}", {"a": "<b>x</b>"}, "<b>x</b>" * 4),
    ("{{#each rows}}{{this}}{{{this}}}{{/each}}", {"rows": ["<b>x</b>"]}, "&lt;b&gt;x&lt;/b&gt;<b>x</b>"),
    ("{{#each map}}{{@key}}{{/each}}", {"map": {"<i>": 1}}, "&lt;i&gt;"),
    ("{{list}}", {"list": ["<b>", "&"]}, "&lt;b&gt;,&amp;"),
    ("{{lookup map '<k>'}}{{#with '<lit>'}}{{this}}{{/with}}", {"map": {"<k>": "<v>"}}, "&lt;v&gt;&lt;lit&gt;"),
    ("<b>{{pluralise 2 '<one>' '<more>'}}</b>", {}, "<b>&lt;more&gt;</b>"),
    ("é € 😀 {{a}}", {"a": "é € 😀"}, "é € 😀 é € 😀"),
]

FALSE: list[Any] = [False, None, "", 0, []]
TRUE: list[Any] = [True, "0", 1, [0], {}]
BLOCKS: Cases = [
    # if and unless: what counts as false
    *[("{{#if a}}y{{else}}n{{/if}}{{#unless a}}y{{else}}n{{/unless}}", {"a": value}, "ny") for value in FALSE],
    *[("{{#if a}}y{{else}}n{{/if}}{{#unless a}}y{{else}}n{{/unless}}", {"a": value}, "yn") for value in TRUE],
    ("{{#if a}}y{{/if}}{{#unless a}}n{{/unless}}", {}, "n"),
    ("{{#if a includeZero=true}}y{{else}}n{{/if}}", {"a": 0}, "y"),
    ("{{#if a}}a{{else if b}}b{{else if c}}c{{else}}d{{/if}}", {"c": 1}, "c"),
    ("{{#if a}}a{{else}}{{#if b}}b{{else}}c{{/if}}{{/if}}", {"b": 1}, "b"),
    ("{{#if a}}a{{else each rows}}{{this}}{{else}}none{{/if}}", {"rows": [1, 2]}, "12"),
    ("{{#unless a}}n{{else if b}}b{{/unless}}", {"a": 1, "b": 1}, "b"),
    ("{{#if a}}y{{^}}n{{/if}}", {}, "n"),
    # each
    ("{{#each people}}{{@index}}{{@first}}{{@last}}{{name}};{{/each}}", PEOPLE, "0truefalseAnn;1falsetrueBo;"),
    ("{{#each map}}{{@index}}{{@key}}={{this}}{{#if @last}}.{{else}},{{/if}}{{/each}}", PEOPLE, "0x=1,1y=2."),
    ("{{#each none}}x{{else}}nobody{{/each}}{{#each empty}}x{{else}}nobody{{/each}}", {"empty": []}, "nobodynobody"),
    ("{{#each empty}}x{{else}}nobody{{/each}}", {"empty": {}}, "nobody"),
    ("{{#each rows}}[{{this}}]{{/each}}", {"rows": [1, "a", False, None, 0]}, "[1][a][false][][0]"),
    (
        "{{#each rows}}{{this.[0]}}{{#each this}}{{@index}}{{@../index}}{{this}} {{/each}}{{/each}}",
        {"rows": [[1, 2], [3]]},
        "1001 102 3013 ",
    ),
    ("{{#each people as |p i|}}{{i}}{{p.name}}{{name}}{{/each}}", PEOPLE, "0AnnAnn1BoBo"),
    ("{{#each map as |v k|}}{{k}}{{v}}{{/each}}", PEOPLE, "x1y2"),
    ("{{#each a as |x|}}{{#each x as |y|}}{{x.length}}{{y}}{{/each}}{{/each}}", {"a": [[5, 6]]}, "2526"),
    ("{{#each people}}{{../title}}{{@root.title}}{{#with this}}{{../../title}}{{/with}}{{/each}}", PEOPLE, "TTTT"),
    (
        "{{#each a}}{{#each b}}{{../../c}}{{../d}}{{this}} {{/each}}{{/each}}",
        {"c": 1, "a": [{"d": 2, "b": [3, 4]}]},
        "123 124 ",
    ),
    # with
    ("{{#with people.[1]}}{{name}}{{else}}none{{/with}}", PEOPLE, "Bo"),
    ("{{#with nobody}}{{name}}{{else}}none{{/with}}{{#with empty}}x{{else}}none{{/with}}", {"empty": []}, "nonenone"),
    (
        "{{#with people.[0] as |p|}}{{p.name}}{{#with p.name as |n|}}{{n}}{{p.name}}{{/with}}{{/with}}",
        PEOPLE,
        "AnnAnnAnn",
    ),
    # lookup
    ("{{lookup map 'x'}}{{lookup people 1}}{{lookup map missing}}{{lookup nothing 'x'}}", PEOPLE, "1[object Object]"),
    ("{{#each people}}{{lookup ../people @index}}{{/each}}", {"people": ["a", "b"]}, "ab"),
    ("{{#with (lookup people 0)}}{{name}}{{/with}}{{#each (lookup map 'x')}}{{else}}none{{/each}}", PEOPLE, "Annnone"),
    ("{{lookup (lookup grid 1) 0}}{{#if (lookup map 'y')}}y{{/if}}", {"grid": [[1], [2]], "map": {"y": 1}}, "2y"),
    # Sections without a helper's name
    ("{{^a}}none{{/a}}{{#b}}{{c}}{{/b}}", {"b": {"c": 1}}, "none1"),
    ("{{#people}}{{name}}{{@index}},{{/people}}", PEOPLE, "Ann0,Bo1,"),
    (
        "{{#a}}{{b}}{{/a}}|{{#no}}x{{/no}}|{{#empty}}x{{^}}none{{/empty}}",
        {"a": True, "b": 1, "no": False, "empty": []},
        "1||none",
    ),
    (
        "{{#zero}}x{{else}}-{{/zero}}{{#null}}x{{else}}-{{/null}}{{#text}}{{.}}{{/text}}",
        {"zero": 0, "null": None, "text": "t"},
        "x-t",
    ),
    ("{{^empty}}none{{else}}some{{/empty}}{{^full}}none{{else}}some{{/full}}", {"empty": [], "full": [1]}, "nonesome"),
    # Subexpressions and hashes
    (
        "{{pluralise (lookup a 'n') 'one' 'more'}}{{#if (lookup (lookup a 'm') 'x')}}y{{/if}}",
        {"a": {"n": 2, "m": {"x": 1}}},
        "morey",
    ),
    ("{{number (lookup a 'n') 1 locale=(lookup a 'l')}}", {"a": {"n": 1.25, "l": "de"}}, "1,3"),
]

DATA: Cases = [
    ("{{@root.a}}{{#with b}}{{@root.a}}{{@root.b.c}}{{/with}}", {"a": 1, "b": {"c": 2}}, "112"),
    ("{{@index}}{{@key}}{{@first}}{{@nothing}}", {}, ""),
    (
        "{{#each a}}{{#each this}}{{@../index}}{{@index}}{{#if @../last}}L{{/if}} {{/each}}{{/each}}",
        {"a": [[1, 1], [1]]},
        "00 01 10L ",
    ),
    (
        "{{#each a}}{{#if @first}}<{{/if}}{{this}}{{#unless @last}},{{else}}>{{/unless}}{{/each}}",
        {"a": [1, 2, 3]},
        "<1,2,3>",
    ),
]

WHITESPACE: Cases = [
    ("a {{~b~}} c", {"b": 1}, "a1c"),
    ("a {{~b}} c|a {{b~}} c", {"b": 1}, "a1 c|a 1c"),
    ("a \n\n\t {{~b~}} \n\n c", {"b": 1}, "a1c"),
    ("a {{~{b}~}} c|a {{~&b~}} c", {"b": "<i>x</i>"}, "a<i>x</i>c|a<i>x</i>c"),
    ("a {{~! note ~}} c|a {{~!-- note --~}} c", {}, "ac|ac"),
    ("{{#if a~}}  x  {{~else~}}  y  {{~/if}}|", {"a": 1}, "x|"),
    ("1 {{~#if a}} x {{/if~}} 2", {"a": 1}, "1 x 2"),
    ("{{#if a}} x {{~^~}} y {{/if}}|", {"a": 1}, " x|"),
    ("{{#each a~}}\n  {{this}},\n{{~/each}}|", {"a": [1, 2]}, "1,2,|"),
    # A tag that stands alone takes its line with it
    ("a\n{{#if b}}\n  x\n{{/if}}\nc", {"b": 1}, "a\n  x\nc"),
    ("a\n  {{#if b}}  \n  x\n\t{{/if}}\t\nc", {"b": 1}, "a\n  x\nc"),
    ("a\r\n{{#if b}}\r\nx\r\n{{/if}}\r\nc", {"b": 1}, "a\r\nx\r\nc"),
    ("{{#if b}}\nx\n{{/if}}", {"b": 1}, "x\n"),
    ("a\n{{#if b}}\nx\n{{else}}\ny\n{{/if}}\nc", {}, "a\ny\nc"),
    ("a\n{{#if b}}\nx\n{{else if c}}\ny\n{{/if}}\nd", {"c": 1}, "a\ny\nd"),
    ("a\n{{! alone }}\nb\n  {{!-- alone,\n too --}}\nc", {}, "a\nb\nc"),
    ("{{#each a}}\n- {{this}}\n{{/each}}\n", {"a": [1, 2]}, "- 1\n- 2\n"),
    # One that does not leaves it
    ("a {{#if b}} x {{/if}} c", {"b": 1}, "a  x  c"),
    ("a {{! not alone }}\nb", {}, "a \nb"),
    ("  {{a}}\n", {"a": 1}, "  1\n"),
    ("{{a}}\n\n{{b}}", {"a": 1, "b": 2}, "1\n\n2"),
    ("a\n{{#if b}}x\n{{/if}}\nc", {"b": 1}, "a\nx\nc"),
]

PARTIALS: PartialCases = [
    ("{{> line}}{{>line}}{{> 'line'}}{{> [line]}}", {"name": "Ann"}, {"line": "<{{name}}>"}, "<Ann>" * 4),
    ("{{> a.b}}{{> a-b}}{{> 1}}", {}, {"a.b": "1", "a-b": "2", "1": "3"}, "123"),
    ("{{#each people}}{{> line}}{{/each}}", PEOPLE, {"line": "{{name}}{{@index}}{{@root.title}}."}, "Ann0T.Bo1T."),
    ("{{> empty}}|", {}, {"empty": ""}, "|"),
    ("{{> line a}}", {"a": "<i>"}, {"line": "{{this}}"}, "&lt;i&gt;"),
    # Which context, which parameters
    ("{{> line map}}{{> line map.z}}|", PEOPLE, {"line": "{{x}}{{y}}"}, "12|"),
    ("{{> line name='Cy'}}{{> line}}", {"name": "Ann"}, {"line": "<{{name}}>"}, "<Cy><Ann>"),
    ("{{> line map x=9 t=title}}", PEOPLE, {"line": "{{x}}{{y}}{{t}}"}, "92T"),
    (
        "{{#each people}}{{> line n=@index t=../title who=this}}{{/each}}",
        PEOPLE,
        {"line": "{{n}}{{t}}{{who.name}}{{name}}"},
        "0TAnnAnn1TBoBo",
    ),
    ("{{> line (lookup people 1) suffix=(lookup map 'x')}}", PEOPLE, {"line": "{{name}}{{suffix}}"}, "Bo1"),
    ("{{#each people as |p|}}{{> line p}}{{/each}}", PEOPLE, {"line": "{{name}}"}, "AnnBo"),
    ("{{#with map}}{{> line}}{{/with}}", PEOPLE, {"line": "{{../title}}{{@root.title}}{{x}}"}, "T1"),
    # Which partial
    ("{{> (lookup . 'which')}}{{> (lookup names 1)}}", {"which": "b", "names": ["b", "a"]}, {"a": "A", "b": "B"}, "BA"),
    # Partials in partials
    ("{{> a}}", {"x": 1}, {"a": "a{{> b}}", "b": "b{{> c}}", "c": "c{{x}}"}, "abc1"),
    ("{{> node}}", TREE, {"node": "{{n}}{{#if kids}}({{#each kids}}{{> node}}{{/each}}){{/if}}"}, "a(b(c)d)"),
    # Blocks
    ("{{#> nope}}fallback {{a}}{{/nope}}", {"a": 1}, {}, "fallback 1"),
    ("{{#> there}}fallback{{/there}}", {}, {"there": "T"}, "T"),
    (
        "{{#> layout}}body {{a}}{{/layout}}",
        {"a": 1},
        {"layout": "<{{> @partial-block}}|{{> @partial-block}}>"},
        "<body 1|body 1>",
    ),
    (
        "{{#> layout x=1}}{{x}}{{/layout}}",
        {"x": 0},
        {"layout": "{{> @partial-block}}{{x}}"},
        "11",
    ),
    (
        "{{#> outer}}{{#> inner}}core{{/inner}}{{/outer}}",
        {},
        {"outer": "[{{> @partial-block}}]", "inner": "({{> @partial-block}})"},
        "[(core)]",
    ),
    (
        "{{#> outer}}core{{/outer}}",
        {},
        {"outer": "[{{#> inner}}{{> @partial-block}}{{/inner}}]", "inner": "({{> @partial-block}})"},
        "[(core)]",
    ),
    ("{{#each people}}{{#> line}}{{name}}{{/line}}{{/each}}", PEOPLE, {"line": "<{{> @partial-block}}>"}, "<Ann><Bo>"),
    ("{{#> row people}}{{name}}{{/row}}", PEOPLE, {"row": "{{#each .}}{{> @partial-block}};{{/each}}"}, "Ann;Bo;"),
    # Inline partials
    ("{{#*inline 'me'}}[{{x}}]{{/inline}}{{> me x=1}}{{> me x=2}}", {}, {}, "[1][2]"),
    ("{{> me}}{{#*inline 'me'}}later{{/inline}}", {}, {}, "later"),
    ("{{#*inline 'me'}}mine{{/inline}}{{> me}}", {}, {"me": "theirs"}, "mine"),
    ("{{#> layout}}{{#*inline 'nav'}}N{{/inline}}{{/layout}}", {}, {"layout": "<{{> nav}}>"}, "<N>"),
    (
        "{{#> layout}}{{#*inline 'nav'}}N{{/inline}}{{/layout}}",
        {},
        {"layout": "<{{#> nav}}default{{/nav}}{{#> foot}}foot{{/foot}}>"},
        "<Nfoot>",
    ),
    ("{{#each people}}{{#*inline 'me'}}[{{name}}]{{/inline}}{{> me}}{{/each}}", PEOPLE, {}, "[Ann][Bo]"),
    ("{{#with map}}{{#*inline 'me'}}in{{/inline}}{{> me}}{{/with}}{{#> me}}out{{/me}}", PEOPLE, {}, "inout"),
    # Indentation and lines
    ("  {{> line}}\nend", {}, {"line": "one\ntwo\n"}, "  one\n  two\nend"),
    ("<ul>\n  {{> line}}\n</ul>", {}, {"line": "<li>\n  x\n</li>\n"}, "<ul>\n  <li>\n    x\n  </li>\n</ul>"),
    ("  {{> a}}\n", {}, {"a": "1\n  {{> b}}\n2\n", "b": "x\ny\n"}, "  1\n    x\n    y\n  2\n"),
    ("- {{> line}}\nend", {}, {"line": "one\ntwo\n"}, "- one\ntwo\n\nend"),
    ("a {{~> line~}} b", {}, {"line": " x "}, "a x b"),
    ("a\n{{#> line}}\nbody\n{{/line}}\nb", {}, {"line": "<\n{{> @partial-block}}\n>\n"}, "a\n<\nbody\n>\nb"),
]


@pytest.mark.parametrize(("source", "payload", "expected"), EXPRESSIONS)
def test_expressions(source: str, payload: object, expected: str) -> None:
    assert html(source, payload) == expected


@pytest.mark.parametrize(("source", "payload", "expected"), ESCAPING)
def test_escaping(source: str, payload: object, expected: str) -> None:
    assert html(source, payload) == expected


@pytest.mark.parametrize(("source", "payload", "expected"), BLOCKS)
def test_blocks(source: str, payload: object, expected: str) -> None:
    assert html(source, payload) == expected


@pytest.mark.parametrize(("source", "payload", "expected"), DATA)
def test_data_variables(source: str, payload: object, expected: str) -> None:
    assert html(source, payload) == expected


@pytest.mark.parametrize(("source", "payload", "expected"), WHITESPACE)
def test_whitespace_control(source: str, payload: object, expected: str) -> None:
    assert html(source, payload) == expected


@pytest.mark.parametrize(("source", "payload", "partials", "expected"), PARTIALS)
def test_partials(source: str, payload: object, partials: dict[str, str], expected: str) -> None:
    assert html(source, payload, partials) == expected
