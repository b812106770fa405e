"""Whatever JSON comes: every language answers with a page or a foreseen error, and markup stays text."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from templates_app.renderer.contracts import RenderError
from tests.renderer.support import ErrorCode, Language, written

MARK = "<script>alert(1)</script>"
KEYS = st.sampled_from(["a", "b", "c", "items", "length", "__proto__", "constructor", "toString", "toHTML", "", "a.b"])
TEXTS = st.one_of(st.text(max_size=30), st.just(MARK), st.text(max_size=8).map(lambda text: f"{text}{MARK}{text}"))
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | TEXTS, inner, max_size=4)
)
PAYLOADS = st.dictionaries(KEYS, VALUES, max_size=6)

MJML = "<mjml><mj-body><mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section></mj-body></mjml>"
JINJA = (
    "{{ a|default('') }}{% for b in (a|default([]) if a is defined and a is sequence else []) %}<p title=\"{{ b }}\">"
    "{{ b }}{{ b|string|safe }}{{ b|string|upper }}</p>{% endfor %}"
    "{{ c|default('')|string|safe }}{{ items|default(1) }}"
)
HELPERS = "{{ HELPER(a|default(none), b|default(none)) }}"
SOURCES = {
    Language.JINJA2: [JINJA, "{{ a.b.c }}", *(HELPERS.replace("HELPER", name) for name in ("money", "date", "number"))],
    Language.HANDLEBARS: [
        '{{a}}{{{a}}}{{#each a}}<p title="{{this}}">{{@key}}{{this}}{{{this}}}{{{@key}}}</p>{{/each}}{{&c}}',
        "{{#with a}}{{b}}{{{b}}}{{#if c}}{{c}}{{/if}}{{/with}}{{#a}}{{{.}}}{{{b}}}{{/a}}{{lookup a b}}{{{lookup a b}}}",
        "{{money a b}}{{number c}}",
        "{{date a}}{{pluralise a b c}}{{{pluralise 1 b c}}}",
        "{{qr_code a}}{{barcode b}}",
    ],
    Language.MJML: [MJML.format(JINJA), MJML.format("{{ qr_code(a) }}{{ barcode(b) }}{{ pluralise(1, a, b) }}")],
    Language.MARKDOWN: [
        "# {{ a|default('') }}\n\n[[toc]]\n\n{{ b|default('')|markdown }}\n\n|a|\n|-|\n|{{ c|default('')|safe }}|",
        "{{ a|default('')|markdown }} ![{{ a }}](x) [{{ b }}]({{ c }}) ${{ a|markdown }}$ {{ qr_code('x') }}",
    ],
    Language.RAW_HTML: ["<p>plain</p>"],
}
CASES = [(language, source) for language, sources in SOURCES.items() for source in sources]


@pytest.mark.parametrize(("language", "source"), CASES)
@settings(max_examples=60, deadline=None)
@given(payload=PAYLOADS)
def test_any_payload_gives_a_page_or_a_foreseen_error(language: Language, source: str, payload: object) -> None:
    try:
        html = written(source, payload, language=language)
    except RenderError as error:
        assert error.permanent  # noqa: PT017  # an error is one of two right answers
        assert error.code in {ErrorCode.TEMPLATE_ERROR, ErrorCode.PAYLOAD_ERROR}  # noqa: PT017
        return
    assert not re.search(r"<script", html, re.IGNORECASE)
    assert not re.search(r"<[^>]*\son\w+\s*=", html)


@pytest.mark.parametrize(("language", "source"), CASES)
@settings(max_examples=20, deadline=None)
@given(payload=st.one_of(st.binary(max_size=60), VALUES.map(lambda value: json.dumps(value).encode())))
def test_any_bytes_are_a_payload_or_a_payload_error(language: Language, source: str, payload: bytes) -> None:
    from templates_app.renderer.languages import LANGUAGES
    from tests.renderer.support import spec

    try:
        LANGUAGES[language](spec(source, language=language, payload=payload))
    except RenderError as error:
        assert error.permanent  # noqa: PT017
