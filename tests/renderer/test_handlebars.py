"""Handlebars templates: the language's published behaviour, cleaned output, and nothing that gets out or runs on."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from templates_app.renderer.contracts import RenderError
from templates_app.renderer.languages import handlebars
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.support import Engine, ErrorCode, Language, failure, spec, text_of, written, written_error

VENDOR = Path(handlebars.__file__).parent / "vendor/handlebars"


def html(source: str, payload: object = None, **more: Any) -> str:
    return written(source, payload, language=Language.HANDLEBARS, **more)


def error(source: str, payload: object = None, **more: Any) -> RenderError:
    return written_error(source, payload, language=Language.HANDLEBARS, **more)


def test_the_vendored_file_is_the_one_that_npm_ships_and_has_its_licence() -> None:
    sums = {
        name: digest for digest, name in (line.split() for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
    }
    for name, wanted in sums.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == wanted
    assert set(sums) == {"handlebars.min.js", "LICENSE"}
    assert "Yehuda Katz" in (VENDOR / "LICENSE").read_text()
    assert "4.7.10" in (VENDOR / "handlebars.min.js").read_text()[:200]


def test_triple_stash_is_cleaned_unless_the_field_is_trusted() -> None:
    payload = {"a": "<i onclick=x>a</i><script>1</script>", "rows": [{"html": "<script>2</script>"}]}
    source = "{{{a}}}{{&a}}{{#each rows}}{{{html}}}{{{../a}}}{{/each}}"
    assert html(source, payload) == "<i>a</i>" * 3
    assert html(source, payload, trusted=("rows.*.html",)) == "<i>a</i><i>a</i><script>2</script><i>a</i>"


def test_a_field_named_like_a_helper_is_the_field_where_no_argument_follows() -> None:
    payload = {"date": "<today>", "number": 3, "image": {"time": "now"}, "money": [1, 2]}
    source = "{{date}}{{{date}}}{{number}}{{#image}}{{time}}{{/image}}{{#money}}{{this}}{{/money}}{{number 4 1}}"
    assert html(source, payload) == "&lt;today&gt;3now124.0"


@pytest.mark.parametrize(
    "source",
    [
        "{{#date}}{{{this}}}{{/date}}{{{date}}}",
        "{{#lookup . 'a'}}{{/lookup}}",
        "{{#safe a}}{{/safe}}",
        "{{#money 1 a}}{{/money}}",
        "{{#pluralise 1 a a}}{{/pluralise}}",
        "{{#blockHelperMissing a}}{{{this}}}{{/blockHelperMissing}}",
        "{{#helperMissing a}}{{/helperMissing}}",
        "{{#a}}{{{this}}}{{/a}}",
        "{{#with a}}{{{.}}}{{/with}}",
        "{{{lookup . 'a'}}}",
        "{{{pluralise 1 a a}}}",
        "{{{if a}}}",
        "{{> p}}{{> p a=a}}{{#> p}}{{{a}}}{{/p}}",
        "{{{with a}}}",
        "{{{this.a}}}{{{./a}}}{{{@root.a}}}{{{[a]}}}",
    ],
)
def test_no_way_of_printing_lets_markup_through(source: str) -> None:
    try:
        out = html(
            source, {"a": "<script>1</script>", "date": "<script>1</script>"}, partials={"p": "{{{a}}}{{{@root.a}}}"}
        )
    except RenderError:
        return
    assert "<script" not in out


@pytest.mark.parametrize(
    "source",
    [
        "{{constructor}}{{constructor.constructor}}{{a.constructor.name}}",
        "{{__proto__}}{{a.__proto__.toString}}{{lookup a '__proto__'}}{{lookup a 'constructor'}}",
        "{{#with a as |x|}}{{x.constructor}}{{x.__defineGetter__}}{{/with}}",
        "{{s.length.constructor}}{{s.sub}}{{lookup s 'big'}}",
        "{{#each constructor}}x{{/each}}{{#if __proto__}}x{{/if}}",
    ],
)
def test_prototypes_are_out_of_reach(source: str) -> None:
    assert html(source, {"a": {}, "s": "text"}) == ""


@pytest.mark.parametrize(
    ("source", "line", "column", "words"),
    [
        ("a\n  {{nosuch 1}}", 2, 3, 'no helper "nosuch"'),
        ("a\n{{#each x}}\n {{nosuch y=1 z}}\n{{/each}}", 3, 16, "expecting"),
        ("\n\n {{> nope}}", 3, 2, 'no partial "nope"'),
        ("a\n{{#if x}}", 2, None, "expecting"),
        ("a\n{{#if x}}\n{{/each}}", 2, 4, "if doesn't match each"),
        ("\n {{money null 'EUR'}}", 2, 2, "money"),
        ("\n\n{{{nosuch 1}}}", 3, 1, "nosuch"),
        ("{{> (lookup . 'which')}}", None, None, "no partial"),
    ],
)
def test_an_error_names_its_place(source: str, line: int | None, column: int | None, words: str) -> None:
    caught = error(source, {"which": "zz"})
    assert caught.permanent
    assert caught.line == line
    assert words in caught.message
    if column:
        assert caught.column == column


def test_an_error_in_a_partial_names_the_partial() -> None:
    for partial in ("\n{{nosuch 1}}", "\n{{/if}}", "\n{{> nope}}"):
        caught = error("{{> line}}", partials={"line": partial})
        assert (caught.file, caught.line) == ("partials/line", 2)
        assert "in partials/line" in caught.message


@pytest.mark.parametrize(
    "payload",
    [{"a": {"toString": 1}}, {"a": {"toHTML": 1}}, {"a": {"length": "x"}}, {"a": "\ud800\0"}, {"__proto__": {"a": 1}}],
)
def test_an_odd_value_is_printed_or_refused(payload: object) -> None:
    for source in ("{{a}}", "{{{a}}}", "{{#each a}}{{this}}{{/each}}"):
        with suppress(RenderError):
            html(source, payload)


def test_a_version_is_compiled_once() -> None:
    interpreter = handlebars._Interpreter()
    first, other = (json.dumps({"html_source": source}) for source in ("{{a}}", "other"))
    assert interpreter.run("a version's key", first, '{"a": 1}') == {"html": "1"}
    # Had it been compiled again, the other source would answer.
    assert interpreter.run("a version's key", other, '{"a": 2}') == {"html": "2"}
    assert interpreter.run("another key", other, "{}") == {"html": "other"}


def test_a_template_leaves_nothing_to_the_next() -> None:
    html("{{#*inline 'leak'}}x{{/inline}}{{> leak}}", partials={"other": "x"})
    assert error("{{> leak}}").code is ErrorCode.TEMPLATE_ERROR
    assert error("{{> other}}").code is ErrorCode.TEMPLATE_ERROR


def test_endless_recursion_is_the_templates_error_and_the_next_document_is_fine() -> None:
    assert "without end" in error("{{> me}}", partials={"me": "{{> me}}"}).message
    assert error("{{#*inline 'r'}}{{> r}}{{/inline}}{{> r}}").code is ErrorCode.TEMPLATE_ERROR
    assert error("{{#if a}}" * 2_000 + "{{/if}}" * 2_000).code is ErrorCode.TEMPLATE_ERROR
    assert html("{{a}}", {"a": 1}) == "1"


def test_many_blocks_are_parsed_in_no_time_that_grows_with_their_square(sandbox: Sandbox) -> None:
    # Without sticky rules these take a minute, three times what the sandbox allows.
    source = "<p>{{#if a}}{{b.c}}{{else}}{{d}}{{/if}}</p>" * 600
    wanted = spec(source, engine=Engine.PLUTOBOOK, language=Language.HANDLEBARS, payload=b'{"d": 1}')
    assert sandbox.render(wanted, tenant="acme").page_count > 10


BOMB = {"rows": list(range(400))}
NESTED = "{{#each @root.rows}}" * 4 + "{{this}}" + "{{/each}}" * 4


def test_a_loop_that_does_not_end_is_a_timeout(tight: Sandbox) -> None:
    source = NESTED.replace("{{this}}", "")
    caught = failure(tight, spec(source, language=Language.HANDLEBARS, payload=json.dumps(BOMB).encode()))
    assert (caught.code, caught.permanent) == (ErrorCode.RENDER_TIMEOUT, False)


def test_too_much_html_is_too_large(sandbox: Sandbox) -> None:
    payload = json.dumps({**BOMB, "long": "x" * 500_000}).encode()
    source = "{{#each @root.rows}}{{@root.long}}{{/each}}"
    caught = failure(sandbox, spec(source, language=Language.HANDLEBARS, payload=payload))
    assert (caught.code, caught.permanent) == (ErrorCode.TOO_LARGE, True)


def test_a_memory_bomb_is_out_of_memory_and_the_next_document_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlebars, "_MEMORY_BYTES", 16 << 20)
    monkeypatch.setattr(handlebars, "_interpreters", [])
    caught = error("{{#each rows}}{{@root.long}}{{/each}}", {**BOMB, "long": "<" * 100_000})
    assert (caught.code, caught.permanent) == (ErrorCode.RENDER_MEMORY, False)
    assert html("{{a}}", {"a": 1}) == "1"


def test_it_runs_confined(sandbox: Sandbox) -> None:
    payload = {"rows": [{"name": "Ann", "due": 12.5}]}
    source = (
        "{{#each rows}}<p>{{name}} owes {{money due 'EUR' locale='de'}} "
        "{{date '2026-05-01' locale='fr'}}</p>{{/each}}{{qr_code 'x'}}"
    )
    document = sandbox.render(
        spec(source, language=Language.HANDLEBARS, payload=json.dumps(payload).encode()), tenant="acme"
    )
    assert "Ann owes 12,50\xa0€ 1 mai 2026" in text_of(document).replace("\r\n", "")
