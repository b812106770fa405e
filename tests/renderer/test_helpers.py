"""The helpers: the same names and answers in every language that has variables."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.renderer.support import Asset, ErrorCode, Language, written, written_error

LOGO = (Asset("logo (1).png", "image/png", b""), Asset("Inter.ttf", "font/ttf", b""))
CALLING = [Language.JINJA2, Language.HANDLEBARS]


def call(language: Language, name: str, *arguments: str, **options: str) -> str:
    """Return the source that calls a helper; arguments are written as both languages write them."""
    if language is Language.HANDLEBARS:
        parts = [name, *arguments, *(f"{key}={value}" for key, value in options.items())]
        return "{{" + " ".join(parts) + "}}"
    parts = [*arguments, *(f"{key}={value}" for key, value in options.items())]
    return "{{ " + f"{name}({', '.join(parts)})" + " }}"


CASES: list[tuple[list[str], dict[str, str], Any, str]] = [
    (["money", "v", '"EUR"'], {}, 1234.5, "€1,234.50"),
    (["money", "v", '"EUR"'], {"locale": '"de"'}, 1234.5, "1.234,50\xa0€"),
    (["money", "v", '"JPY"'], {}, 1234.5, "¥1,235"),
    (["money", "v", '"KWD"'], {}, "0.0005", "KWD0.001"),
    (["money", "v", '"eur"'], {}, -12.5, "-€12.50"),
    (["money", "v", '"EUR"'], {}, -0.004, "€0.00"),
    (["money", "v", '"EUR"'], {}, 1.005, "€1.01"),
    (["money", "v", '"EUR"'], {}, "12345678901234567890123.45", "€12,345,678,901,234,567,890,123.45"),
    (["number", "v"], {}, 1234567.25, "1,234,567.25"),
    (["number", "v", "2"], {}, 2.675, "2.68"),
    (["number", "v", "0"], {"locale": '"de-CH"'}, 1234567, "1\u2019234\u2019567"),
    (["number", "v"], {}, 1e-7, "0.0000001"),
    (["date", "v"], {}, "2026-03-29", "Mar 29, 2026"),
    (["date", "v", '"full"'], {"locale": '"de"'}, "2026-03-29", "Sonntag, 29. März 2026"),
    (["date", "v", '"d MMMM y"'], {"locale": '"fr"'}, "2026-03-29", "29 mars 2026"),
    (["date", "v"], {"timezone": '"Pacific/Auckland"'}, "2026-03-29T12:00:00Z", "Mar 30, 2026"),
    (["date", "v"], {"timezone": '"Pacific/Auckland"'}, "2026-03-29", "Mar 29, 2026"),
    (["time", "v"], {"locale": '"de"'}, "2026-03-29T00:59:00Z", "00:59"),
    # The hour that the clocks jump over in spring, and the one that they repeat in autumn.
    (["time", "v"], {"locale": '"de"', "timezone": '"Europe/Berlin"'}, "2026-03-29T01:00:00Z", "03:00"),
    (["time", "v", '"H:mm Z"'], {"timezone": '"Europe/Berlin"'}, "2026-10-25T00:30:00Z", "2:30 +0200"),
    (["time", "v", '"H:mm Z"'], {"timezone": '"Europe/Berlin"'}, "2026-10-25T01:30:00Z", "2:30 +0100"),
    (["time", "v"], {"locale": '"de"', "timezone": '"Europe/Berlin"'}, "2026-07-01T10:00:00", "10:00"),
    (["pluralise", "v", '"item"', '"items"'], {}, 1, "item"),
    (["pluralise", "v", '"item"', '"items"'], {}, 0, "items"),
    (["pluralise", "v"], {"zero": '"none"', "other": '"items"'}, 0, "none"),
    (["pluralise", "v"], {"one": '"a"', "few": '"b"', "many": '"c"', "other": '"d"', "locale": '"pl"'}, 23, "b"),
    (["image", '"logo (1).png"'], {"alt": "v"}, '"<', '<img src="asset:logo (1).png" alt="&quot;&lt;">'),
    (
        ["font", '"Inter.ttf"'],
        {"weight": "600"},
        0,
        "@font-face { font-family: 'Inter'; src: url(asset:Inter.ttf); font-weight: 600; font-style: normal }",
    ),
]


@pytest.mark.parametrize("language", CALLING)
@pytest.mark.parametrize(("arguments", "options", "value", "expected"), CASES)
def test_a_helper_writes(
    language: Language, arguments: list[str], options: dict[str, str], value: Any, expected: str
) -> None:
    source = call(language, *arguments, **options)
    assert re.sub("\u202f", " ", written(source, {"v": value}, language=language, assets=LOGO)) == expected


WRONG: list[tuple[list[str], dict[str, str], Any, ErrorCode]] = [
    (["money", "v", '"EUR"'], {}, None, ErrorCode.PAYLOAD_ERROR),
    (["money", "v", '"EUR"'], {}, True, ErrorCode.PAYLOAD_ERROR),
    (["money", "v", '"EUR"'], {}, "ten", ErrorCode.PAYLOAD_ERROR),
    (["money", "v", '"EUR"'], {}, "1e999999", ErrorCode.PAYLOAD_ERROR),
    (["money", "v", '"EUR"'], {}, "9" * 50, ErrorCode.PAYLOAD_ERROR),
    (["money", "v", '"EUR"'], {}, "NaN", ErrorCode.PAYLOAD_ERROR),
    (["money", "v", '"EUR"'], {}, {}, ErrorCode.PAYLOAD_ERROR),
    (["money", "1", "v"], {}, "EUX", ErrorCode.PAYLOAD_ERROR),
    (["money"], {}, 1, ErrorCode.TEMPLATE_ERROR),
    (["money", "1", '"EUR"'], {"locale": '"xx_yy"'}, 1, ErrorCode.TEMPLATE_ERROR),
    (["money", "1", '"EUR"'], {"nonsense": "1"}, 1, ErrorCode.TEMPLATE_ERROR),
    (["number", "1", "99"], {}, 1, ErrorCode.TEMPLATE_ERROR),
    (["date", "v"], {}, None, ErrorCode.PAYLOAD_ERROR),
    (["date", "v"], {}, "31.12.2026", ErrorCode.PAYLOAD_ERROR),
    (["date", "v"], {}, "0001-01-01T00:00:00+14:00", ErrorCode.PAYLOAD_ERROR),
    (["date", '"2026-01-01T00:00:00Z"'], {"timezone": '"../../etc/passwd"'}, 1, ErrorCode.TEMPLATE_ERROR),
    (["date", '"2026-01-01"', '"<b>"'], {}, 1, ErrorCode.TEMPLATE_ERROR),
    (["pluralise", "1", '"a"'], {}, 1, ErrorCode.TEMPLATE_ERROR),
    (["pluralise", "1"], {"other": '"a"', "some": '"b"'}, 1, ErrorCode.TEMPLATE_ERROR),
    (["pluralise", "v", '"a"', '"b"'], {}, None, ErrorCode.PAYLOAD_ERROR),
    (["qr_code", "v"], {}, None, ErrorCode.PAYLOAD_ERROR),
    (["qr_code", "v"], {}, "x" * 5000, ErrorCode.PAYLOAD_ERROR),
    (["qr_code", '"x"'], {"size": '"3cm;background:url(x)"'}, 1, ErrorCode.TEMPLATE_ERROR),
    (["qr_code", '"x"'], {"color": "v"}, '"/><script>', ErrorCode.TEMPLATE_ERROR),
    (["barcode", "v"], {}, "é", ErrorCode.PAYLOAD_ERROR),
    (["barcode", "v", '"ean13"'], {}, "4006381333930", ErrorCode.PAYLOAD_ERROR),
    (["barcode", "v", '"ean13"'], {}, "40063", ErrorCode.PAYLOAD_ERROR),
    (["barcode", '"x"', '"pdf417"'], {}, 1, ErrorCode.TEMPLATE_ERROR),
    (["image", "v"], {}, "nope.png", ErrorCode.TEMPLATE_ERROR),
    (["font", '"Inter.ttf"'], {"family": "v"}, "x'; } body {", ErrorCode.TEMPLATE_ERROR),
]


@pytest.mark.parametrize("language", CALLING)
@pytest.mark.parametrize(("arguments", "options", "value", "code"), WRONG)
def test_a_helper_refuses_and_names_itself_and_the_line(
    language: Language, arguments: list[str], options: dict[str, str], value: Any, code: ErrorCode
) -> None:
    caught = written_error("\n" + call(language, *arguments, **options), {"v": value}, language=language, assets=LOGO)
    assert (caught.code, caught.line, caught.permanent) == (code, 2, True)
    assert caught.message.startswith(f"{arguments[0]}: ")


EVERYWHERE = {
    Language.JINJA2: "{}",
    Language.HANDLEBARS: "{}",
    Language.MJML: "<mjml><mj-body><mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section>"
    "</mj-body></mjml>",
    Language.MARKDOWN: "Some text. {}",
}
OF_EACH: list[tuple[list[str], str]] = [
    (["money", "1234.5", '"EUR"'], ">€1,234.50<"),
    (["number", "1234.5"], ">1,234.5<"),
    (["date", '"2026-03-29"'], ">Mar 29, 2026<"),
    (["time", '"2026-03-29T15:30:00Z"'], ">3:30 PM<"),
    (["pluralise", "2", '"item"', '"items"'], ">items<"),
    (["qr_code", '"x"'], '><svg role="img"'),
    (["barcode", '"x"'], '><svg xmlns="http://www.w3.org/2000/svg"'),
    (["image", '"logo (1).png"'], '><img src="asset:logo (1).png" alt="">'),
]


@pytest.mark.parametrize("language", list(EVERYWHERE))
@pytest.mark.parametrize(("arguments", "expected"), OF_EACH)
def test_each_helper_answers_in_each_language(language: Language, arguments: list[str], expected: str) -> None:
    source = EVERYWHERE[language].format(f"<b>{call(language, *arguments)}</b>")
    if language is Language.MARKDOWN:
        source = source.replace("<b>", "**").replace("</b>", "**")
    assert expected in re.sub("\u202f", " ", written(source, language=language, assets=LOGO))


@pytest.mark.parametrize("language", CALLING)
def test_the_version_says_which_locale_and_time_zone_are_meant(language: Language) -> None:
    source = call(language, "date", "v", '"short"') + " " + call(language, "number", "1234.5")
    chosen: dict[str, Any] = {"locale": "de", "timezone": "Asia/Tokyo"}
    assert written(source, {"v": "2026-01-01T20:00:00Z"}, language=language, **chosen) == "02.01.26 1.234,5"


def test_a_helper_is_a_filter_too() -> None:
    assert written("{{ v|money('EUR') }}", {"v": 2}) == "€2.00"


@pytest.mark.parametrize("source", ["{{ date }}", "{% if date %}{% endif %}", "{{ date or 1 }}", "{{ helpers.date }}"])
def test_a_helper_does_not_stand_in_for_a_key_that_is_missing(source: str) -> None:
    caught = written_error("\n" + source)
    assert (caught.code, caught.line, caught.message) == (ErrorCode.PAYLOAD_ERROR, 2, "'date' is undefined")


def test_a_key_that_is_missing_can_be_expected_be_there_a_helper_or_not() -> None:
    assert written("{{ date|default('-') }}{{ date is defined }}{{ date is undefined }}{{ x|d('y') }}") == "-FalseTruey"
    assert written("{{ date|default('-') }}{{ e|default('-', true) }}", {"date": 1, "e": ""}) == "1-"


def test_a_key_of_the_payload_wins_over_a_helper_of_the_same_name() -> None:
    assert written("{{ date }}", {"date": "today"}) == "today"


@pytest.mark.parametrize("language", CALLING)
def test_codes_are_svg_without_a_trace_of_markup_from_the_payload(language: Language) -> None:
    payload = {"v": "<script>&\"'</script>"}
    code = written(call(language, "qr_code", "v", size='"4cm"'), payload, language=language)
    assert code.startswith("<svg ")
    assert "width:4cm;height:4cm" in code
    assert "script" not in code
    bars = written(call(language, "barcode", "v"), payload, language=language)
    assert "&lt;script&gt;" in bars
    assert "<script" not in bars
    assert "4006381333931" in written(
        call(language, "barcode", "v", '"ean13"'), {"v": "400638133393"}, language=language
    )
