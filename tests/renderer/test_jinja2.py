"""Jinja2 templates: plain data in, HTML out, and every error says where."""

from __future__ import annotations

from typing import Any

import pytest

from templates_app.renderer.contracts import ErrorCode, RenderError
from templates_app.renderer.languages.jinja2 import write_html
from templates_app.renderer.languages.jinja2_sandbox import TemplateSandbox
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.support import failure, spec, written, written_error


def html(source: str, payload: object = None, **more: Any) -> str:
    return written(source, payload, **more)


def error(source: str, payload: object = None, **more: Any) -> RenderError:
    return written_error(source, payload, **more)


def test_a_key_of_the_payload_wins_over_a_dict_method() -> None:
    payload = {"invoice": {"items": [{"values": 1}, {"values": 2}], "keys": "k", "copy": "c"}}
    source = "{% for row in invoice.items %}{{ row.values }},{% endfor %}{{ invoice.keys }}{{ invoice.copy }}"
    assert html(source, payload) == "1,2,kc"


def test_a_dict_can_still_be_walked() -> None:
    assert html("{% for k, v in a.items() %}{{ k }}={{ v }};{% endfor %}", {"a": {"x": 1, "y": 2}}) == "x=1;y=2;"


def test_values_are_escaped() -> None:
    assert html("{{ a }}", {"a": "<script>&\"'"}) == "&lt;script&gt;&amp;&#34;&#39;"


def test_safe_keeps_markup_and_cleans_it() -> None:
    payload = {"a": "<b onclick='x'>bold</b><script>alert(1)</script>"}
    assert html("{{ a|safe }}", payload) == "<b>bold</b>"
    assert html("{{ [a]|map('safe')|first }}", payload) == "<b>bold</b>"
    assert html("{% filter safe %}{{ a|safe }}{% endfilter %}", payload) == "<b>bold</b>"


def test_a_trusted_field_is_printed_as_it_is_wherever_it_goes() -> None:
    payload = {"rows": [{"html": "<script>1</script>"}, {"html": "<script>2</script>", "text": "<script>3</script>"}]}
    source = "{% for row in rows %}{{ row.html|safe }}{{ row.text|default('')|safe }}{{ row.html }}{% endfor %}"
    escaped = "&lt;script&gt;{}&lt;/script&gt;"
    expected = "<script>1</script>" + escaped.format(1) + "<script>2</script>" + escaped.format(2)
    assert html(source, payload, trusted=("rows.*.html", "nothing.here", "rows.text")) == expected


def test_a_changed_copy_of_a_trusted_text_is_not_trusted() -> None:
    payload = {"a": "<script>1</script>", "b": "<script>2</script>"}
    assert html("{{ (a ~ b)|safe }}", payload, trusted=("a",)) == ""


@pytest.mark.parametrize(
    "source",
    [
        "{% autoescape false %}{{ a }}{% endautoescape %}",
        "\n{% include 'off' %}",
        "{% autoescape a %}{% endautoescape %}",
    ],
)
def test_escaping_cannot_be_switched_off(source: str) -> None:
    off = {"off": "{% autoescape false %}{{ a }}{% endautoescape %}"}
    assert "escaping cannot be switched off" in error(source, {"a": "<b>"}, partials=off).message


def test_partials_are_included_imported_and_extended() -> None:
    partials = {
        "line": "[{{ x }}]",
        "macros": "{% macro bold(text) %}<b>{{ text }}</b>{% endmacro %}",
        "base": "<main>{% block body %}{% endblock %}</main>",
    }
    source = (
        "{% extends 'base' %}{% import 'macros' as m %}"
        "{% block body %}{{ m.bold(x) }}{% include 'line' %}{% endblock %}"
    )
    assert html(source, {"x": "<"}, partials=partials) == "<main><b>&lt;</b>[&lt;]</main>"


def test_a_partial_that_is_not_there_is_named_with_the_line() -> None:
    caught = error("\n{% include 'nope' %}")
    assert (caught.code, caught.line, caught.message) == (ErrorCode.TEMPLATE_ERROR, 2, "there is no partial 'nope'")


@pytest.mark.parametrize(
    ("partial", "code", "path"),
    [
        ("\n\n{{ missing }}", ErrorCode.PAYLOAD_ERROR, "/missing"),
        ("\n\n{% if %}", ErrorCode.TEMPLATE_ERROR, None),
        ("\n\n{{ 1 / 0 }}", ErrorCode.TEMPLATE_ERROR, None),
        ("\n\n{{ money(none, 'EUR') }}", ErrorCode.PAYLOAD_ERROR, None),
    ],
)
def test_an_error_in_a_partial_names_file_and_line(partial: str, code: ErrorCode, path: str | None) -> None:
    caught = error("{% include 'line' %}", partials={"line": partial})
    assert (caught.code, caught.file, caught.line, caught.path) == (code, "partials/line", 3, path)
    assert caught.message.startswith("in partials/line: ")


def test_a_partial_that_includes_itself_is_the_templates_error() -> None:
    caught = error("{% include 'line' %}", partials={"line": "{% include 'line' %}"})
    assert (caught.code, caught.permanent) == (ErrorCode.TEMPLATE_ERROR, True)


def test_a_version_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    former = TemplateSandbox.from_string

    def from_string(sandbox: TemplateSandbox, source: Any, **options: Any) -> Any:
        compiled.append(source)
        return former(sandbox, source, **options)

    monkeypatch.setattr(TemplateSandbox, "from_string", from_string)
    source = "compiled once: {{ a }}"
    assert [html(source, {"a": number}) for number in (1, 2)] == ["compiled once: 1", "compiled once: 2"]
    assert compiled == [source]


def test_a_version_with_other_partials_is_another_template() -> None:
    source = "{% include 'line' %}"
    assert html(source, partials={"line": "one"}) == "one"
    assert html(source, partials={"line": "two"}) == "two"


def test_plain_formats_print_what_python_prints() -> None:
    source = "{{ '{:,.2f} {:>4}'.format(1234.5, text) }}"
    assert html(source, payload={"text": "<b>"}) == "1,234.50  &lt;b&gt;"
    assert html("{{ '{1} {0}'.format(1, 2) }}{{ '{a}'.format(a=3) }}") == "2 13"


ESCAPES = {
    "class": "{{ ''.__class__ }}",
    "mro": "{{ ''.__class__.__mro__ }}",
    "subscript": "{{ ''['__class__'] }}",
    "attr filter": "{{ ''|attr('__class__') }}",
    "map": "{{ [1]|map(attribute='__class__')|first }}",
    "format": "{{ '{0.__class__}'.format(1) }}",
    "format after a plain place": "{{ '{:>3}{0.__class__}'.format(1) }}",
    "format by index": "{{ '{0[__class__]}'.format(cycler) }}",
    "format within a format": "{{ '{:{0.__class__}}'.format(1) }}",
    "format by name": "{{ '{a.__class__}'.format(a=1) }}",
    "format through a filter": "{{ '{0.__class__}'|attr('format')(1) }}",
    "format_map": "{{ '{a.__class__}'.format_map({'a': 1}) }}",
    "format kept in a name": "{% set f = '{0.__class__}'.format %}{{ f(1) }}",
    "globals of a global": "{{ cycler.__init__.__globals__ }}",
    "globals of joiner": "{{ joiner.__init__.__globals__['os'] }}",
    "namespace": "{{ namespace.__init__.__globals__ }}",
    "self": "{{ self.__init__.__globals__ }}",
    "context": "{{ self._TemplateReference__context }}",
    "loop": "{% for i in [1] %}{{ loop.__class__ }}{% endfor %}",
    "macro": "{% macro m() %}{% endmacro %}{{ m.__call__.__globals__ }}",
    "macro code": "{% macro m() %}{% endmacro %}{{ m._func.__code__ }}",
    "generator": "{{ ([1]|map('upper')).gi_frame }}",
    "mutation": "{{ a.append(1) }}",
    "dict mutation": "{{ d.update({'x': 1}) }}",
    "clear": "{{ d.clear() }}",
    "include": "{% include '/etc/passwd' %}",
    "import": "{% import 'os' as os %}{{ os }}",
    "extends": "{% extends 'base' %}",
    "lipsum": "{{ lipsum() }}",
    "random": "{{ [1, 2]|random }}",
    "range": "{{ range(10000000)|length }}",
    "product": "{{ 'a' * 100000000 }}",
    "product turned around": "{{ 100000000 * 'a' }}",
    "list product": "{{ ([1] * 1000) * 1000000 }}",
    "power": "{{ 10 ** 100000 }}",
    "negative power": "{{ (-10) ** 100000000 }}",
    "a method is not printed": "{{ d.items }}",
    "undefined call": "{{ nothing() }}",
}


@pytest.mark.parametrize("name", ESCAPES)
def test_no_way_out_of_the_sandbox(name: str) -> None:
    caught = error(ESCAPES[name], {"a": [], "d": {}})
    assert caught.code in {ErrorCode.TEMPLATE_ERROR, ErrorCode.PAYLOAD_ERROR}
    assert caught.permanent
    assert " at 0x" not in caught.message


def test_a_template_cannot_reach_the_next_one() -> None:
    html("{% set leak = 1 %}{% macro m() %}{% endmacro %}{{ a }}", {"a": 1})
    assert error("{{ leak }}").code is ErrorCode.PAYLOAD_ERROR


def test_a_syntax_error_names_its_line(sandbox: Sandbox) -> None:
    caught = failure(sandbox, spec("<p>\n<p>\n{% if %}"))
    assert (caught.code, caught.line, caught.permanent) == (ErrorCode.TEMPLATE_ERROR, 3, True)


def test_an_error_at_run_time_names_its_line() -> None:
    caught = error("a\n\n{{ 1 / 0 }}\n")
    assert (caught.code, caught.line) == (ErrorCode.TEMPLATE_ERROR, 3)
    assert "ZeroDivisionError" in caught.message


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("\n{{ customer }}", "/customer"),
        ("\n{{ customer.name }}", "/customer"),
        ("\n{{ order.customer }}", "/order/customer"),
        ("\n{{ order['customer'] }}", "/order/customer"),
        ("\n{% for row in order.rows %}{{ row.price }}{% endfor %}", "/order/rows/1/price"),
        ("\n{{ order.rows[7] }}", "/order/rows/7"),
        ("\n{{ order['a/b~c'] }}", "/order/a~1b~0c"),
        ("\n{{ order.pop }}", "/order/pop"),
        ("\n{% if order.customer %}{% endif %}", "/order/customer"),
        ("\n{{ order.customer|upper }}", "/order/customer"),
    ],
)
def test_a_missing_value_names_line_and_path(source: str, path: str) -> None:
    caught = error(source, {"order": {"rows": [{"price": 1}, {}]}})
    assert (caught.code, caught.line, caught.path) == (ErrorCode.PAYLOAD_ERROR, 2, path)
    assert caught.permanent
    assert path.rpartition("/")[2].replace("~1", "/").replace("~0", "~") in caught.message


def test_a_missing_value_can_be_expected() -> None:
    assert html("{{ a|default('none') }}{% if b is defined %}b{% endif %}{{ c.d|default('-') }}", {"c": {}}) == "none-"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e400}',
        b'{"a": [{"b": -1.5E+309}]}',
        b'{"a": 1' + b"0" * 309 + b"}",
        b'{"a": 1' + b"0" * 5000 + b"}",
        b'{"a":' * 100_000,
        b"\xff",
    ],
)
def test_a_payload_that_is_no_json_object_is_the_payloads_error(payload: bytes) -> None:
    with pytest.raises(RenderError) as caught:
        write_html(spec("x", payload=payload))
    assert caught.value.code is ErrorCode.PAYLOAD_ERROR
    assert caught.value.permanent


@pytest.mark.parametrize(
    "source",
    [
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{% for i in [1] %}" * 30 + "{% endfor %}" * 30,
        "{{ " + "9" * 6000 + " }}",
        "{{ 1 + }}",
        "{% nonsense %}",
        "{{ a|nonsense }}",
        "{{ 1 is nonsense }}",
    ],
)
def test_what_cannot_be_compiled_or_run_is_the_templates_error(source: str) -> None:
    caught = error(source, {"a": 1})
    assert caught.code is ErrorCode.TEMPLATE_ERROR
    assert caught.permanent


def test_too_much_html_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("templates_app.renderer.languages.jinja2._MAX_HTML_CHARS", 1000)
    caught = error("{% for i in range(1001) %}a{% endfor %}")
    assert (caught.code, caught.permanent) == (ErrorCode.TOO_LARGE, True)
