"""Documents that cost far more than they weigh. Each entry of BOMBS is a name and what makes the spec for an engine."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable

from templates_app.renderer.contracts import Asset, Engine, Language, Partial, RenderSpec
from tests.renderer.hostile import embedded
from tests.renderer.hostile import swollen_files as swollen

Bomb = Callable[[Engine], RenderSpec]


def source(
    text: str, language: Language = Language.RAW_HTML, css: str = "", payload: object = None, **partials: str
) -> Bomb:
    """Return a bomb that is a text."""

    def make(engine: Engine) -> RenderSpec:
        return RenderSpec(
            language=language,
            engine=engine,
            html_source=text,
            css_source=css,
            payload=json.dumps({} if payload is None else payload).encode(),
            partials=tuple(Partial(name, part) for name, part in partials.items()),
        )

    return make


def styled(css: str, html: str = "<p>a few words</p>") -> Bomb:
    """Return a bomb that is a style sheet."""
    return source(html, css=css)


def drawn(body: str, before: str = "") -> Bomb:
    """Return a bomb that is an SVG, as an asset and in the document itself."""
    namespaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    svg = f'{before}<svg {namespaces} width="100" height="100">{body}</svg>'
    return with_file("bomb.svg", "image/svg+xml", svg.encode, f'<img src="asset:bomb.svg">{svg}')


def with_file(name: str, content_type: str, data: Callable[[], bytes], html: str = "") -> Bomb:
    """Return a bomb that is a file, shown as an image where nothing else is said."""

    def make(engine: Engine) -> RenderSpec:
        return RenderSpec(
            language=Language.RAW_HTML,
            engine=engine,
            html_source=html or f'<p>x<img src="asset:{name}"><p style="background: url(asset:{name})">x',
            assets=(Asset(name, content_type, data()),),
        )

    return make


def font(name: str, data: Callable[[], bytes]) -> Bomb:
    """Return a bomb that is a font."""
    html = f"<style>@font-face {{ font-family: f; src: url(asset:{name}) }} p {{ font-family: f }}</style><p>abc fi"
    return with_file(name, "font/ttf", data, html)


def coloured(data: Callable[[], bytes], rules: int = 1) -> Bomb:
    """Return a bomb that is a colour profile, of one rule or of many."""
    rule = "@color-profile --c{} {{ src: url(asset:b.icc?{}); components: r, g, b }}"
    css = "".join(rule.format(number, number) for number in range(rules))
    html = f"<style>{css}</style><p style='color: color(--c0 1 0 0)'>x"
    return with_file("b.icc", "application/vnd.iccprofile", data, html)


def doubling(pattern: str, last: str, levels: int = 30) -> str:
    """Return `levels` definitions by a pattern in $n (this one) and $m (the one before), after `last` for the first."""
    lines = [last]
    lines += [pattern.replace("$n", str(level)).replace("$m", str(level - 1)) for level in range(1, levels + 1)]
    return "".join(lines)


def _data_url(content_type: str, data: bytes) -> str:
    return f"data:{content_type};base64,{base64.b64encode(data).decode()}"


JINJA2, HANDLEBARS, MARKDOWN, MJML = Language.JINJA2, Language.HANDLEBARS, Language.MARKDOWN, Language.MJML
_LOOPS = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
_LIST = {"a": [0] * 3000}
_EACH = "{{#each @root.a}}" * 4 + "{{/each}}" * 4
_MJML = "<mjml><mj-body><mj-section><mj-column>{}</mj-column></mj-section></mj-body></mjml>"
_ENTITIES = doubling('<!ENTITY e$n "&e$m;&e$m;&e$m;&e$m;">', '<!ENTITY e0 "xxxxxxxx">')

BOMBS: dict[str, Bomb] = {
    # --- Templates that do not end, or write without end
    "jinja2: a macro that calls itself": source("{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}", JINJA2),
    "jinja2: a partial that includes itself": source(
        '{% include "p" %}', JINJA2, p='{% include "p" %}{% include "p" %}'
    ),
    "jinja2: text times a thousand million": source("{{ 'x' * 1000000000 }}", JINJA2),
    "jinja2: a tower of powers": source("{{ 9 ** 9 ** 9 }}", JINJA2),
    "jinja2: padding by format": source("{{ '%2000000000d' % 1 }}{{ '{:>2000000000}'.format(1) }}", JINJA2),
    "jinja2: padding by filter": source("{{ 'x'|center(2000000000) }}", JINJA2),
    "jinja2: more paragraphs than there are": source("{{ lipsum(n=100000000) }}", JINJA2),
    "jinja2: a list of lists": source("{{ range(99999)|map('string')|list|batch(1)|list|tojson * 999 }}", JINJA2),
    "jinja2: a regular list sorted again and again": source(
        "{% for i in range(99999) %}{{ range(99999)|sort|length }}{% endfor %}", JINJA2
    ),
    "handlebars: loops in loops": source(_EACH, HANDLEBARS, payload=_LIST),
    "handlebars: a partial that includes itself": source("{{> p}}", HANDLEBARS, p="{{> p}}{{> p}}"),
    "handlebars: blocks in blocks": source("{{#if a}}" * 20_000 + "{{/if}}" * 20_000, HANDLEBARS, payload=_LIST),
    "handlebars: text in loops": source(
        _EACH.replace("}}{{/", "}}" + "x" * 9999 + "{{/", 1), HANDLEBARS, payload=_LIST
    ),
    "markdown: loops in loops": source(_LOOPS, MARKDOWN),
    "markdown: quotes in quotes": source(">" * 100_000 + " x", MARKDOWN),
    "markdown: brackets in brackets": source("[" * 100_000 + "x" + "](y)" * 100_000, MARKDOWN),
    "markdown: stars": source("*a **b " * 50_000, MARKDOWN),
    "markdown: lists in lists": source("".join(" " * 2 * n + "- x\n" for n in range(2_000)), MARKDOWN),
    "markdown: a table of many columns": source("|a" * 20_000 + "\n" + "|-" * 20_000 + "\n" + "|b" * 20_000, MARKDOWN),
    "mjml: loops in loops": source(_MJML.format(f"<mj-text>{_LOOPS}</mj-text>"), MJML),
    "mjml: columns in columns": source(_MJML.format("<mj-column>" * 9999 + "</mj-column>" * 9999), MJML),
    "mjml: a hundred thousand texts": source(_MJML.format("<mj-text>x</mj-text>" * 100_000), MJML),
    # --- HTML
    "a rowspan of 65534 in many columns": source("<table><tr>" + "<td rowspan=65534 colspan=999>x" * 99 + "</table>"),
    "a colspan of thousands of millions": source("<table><tr><td colspan=4294967295>x<tr><td>x</table>"),
    "tables in tables": source("<table><tr><td>" * 400 + "x"),
    "flex in flex": source('<div style="display:flex">' * 60 + "x"),
    "grid in grid": source('<div style="display:grid">' * 60 + "x"),
    "floats in floats": source('<div style="float:left">' * 400 + "x"),
    "inline blocks in inline blocks": source('<span style="display:inline-block">' * 400 + "x"),
    "a million line breaks": source("<br>" * 1_000_000),
    "formatting that never closes": source("<b><i><u><a href=x>" * 30_000 + "<p>" * 1_000 + "x"),
    "a million attributes": source("<p " + " ".join(f"a{n}=b" for n in range(1_000_000)) + ">x"),
    "a word of ten million letters": source("<p>" + "x" * 10_000_000),
    "a million combining marks": source("<p>a" + "\u0301" * 1_000_000),
    "a million turns of direction": source("<p>" + "a\u05d0" * 500_000),
    "a roman numeral of a thousand million": source('<ol style="list-style: upper-roman"><li value=999999999>x</ol>'),
    # --- CSS
    "variables of variables": styled(
        ":root {"
        + doubling("--v$n: var(--v$m) var(--v$m);", "--v0: x;", 40)
        + "} p { content: var(--v40); color: var(--v40) }"
    ),
    "a variable that needs itself": styled(":root { --a: var(--b); --b: var(--a) } p { color: var(--a) }"),
    "calc in calc": styled("p { width: " + "calc(" * 50_000 + "1px" + ")" * 50_000 + "}"),
    "not in not": styled(":not(" * 50_000 + "p" + ")" * 50_000 + "{ color: red }"),
    "has in has": styled(
        "p" + ":has(:not(p)" * 500 + ")" * 500 + " * * * * * * * * { color: red }", "<div>" * 400 + "<p>x"
    ),
    "blocks in blocks": styled("@media print {" * 50_000),
    "a grid of a million columns": styled("p { display: grid; grid-template-columns: repeat(1000000, 1px) }"),
    "a million columns of text": styled("body { columns: 1000000 1px }", "<p>x</p>" * 1_000),
    "a block as high as a mountain": styled("p { height: 1000000000px }"),
    "a margin as wide as the sea": styled("p { margin: 1e30px; padding: 1e9px }"),
    "pages smaller than a letter": styled("@page { size: 1px 1px; margin: 0 }", "<p>some words</p>" * 200),
    "pages as large as a town": styled("@page { size: 1e7mm 1e7mm }"),
    "a font as large as a house": styled("p { font-size: 1e9px }"),
    "a line as thin as nothing": styled("p { line-height: 1e-9px; font-size: 1e-6px }", "<p>x</p>" * 2_000),
    "a shadow and a blur": styled(
        "p { box-shadow: 0 0 99999999px red; filter: blur(99999999px); text-shadow: 0 0 99999px red }"
    ),
    "a gradient of a hundred thousand stops": styled(
        "p { background: linear-gradient(" + ",".join(["red,blue"] * 50_000) + ") }"
    ),
    "a tiny tile on a large page": styled(
        "body { background: url(\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='1' height='1'%3E%3Cpath d='M0 0h1'/%3E%3C/svg%3E\") 0 0/.01px .01px; height: 250mm }"
    ),
    "text made of counters": styled(
        "p { counter-increment: c 2147483647 } p::before { content: " + "counters(c, '.') " * 5_000 + "}", "<p>x" * 500
    ),
    "a symbol repeated": styled(
        "@counter-style s { system: additive; additive-symbols: 1 'x'; range: infinite } li { list-style: s }",
        "<ol><li value=99999999>x</ol>",
    ),
    "twenty thousand sheets": source("<style>@import 'data:text/css,p{color:red}';</style>" * 20_000),
    "a sheet that imports itself": with_file(
        "a.css",
        "text/css",
        lambda: b"@import 'asset:a.css'; p { color: red }",
        '<link rel=stylesheet href="asset:a.css">x',
    ),
    "a hundred thousand rules": styled(
        "".join(f".c{n} p:nth-child({n}n+1) {{ color: red }}" for n in range(100_000)), "<p>x" * 500
    ),
    # --- SVG
    "use of use of use": drawn(
        doubling('<g id="u$n"><use href="#u$m"/><use xlink:href="#u$m"/></g>', '<path id="u0" d="M0 0h9"/>', 40)
    ),
    "a use that uses itself": drawn(
        '<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/><use href="#b"/></g><use href="#a"/>'
    ),
    "a pattern filled with itself": drawn(
        '<pattern id="p" width="1" height="1"><rect width="9" height="9" fill="url(#p)"/></pattern><rect width="99" height="99" fill="url(#p)"/>'
    ),
    "a pattern as fine as dust": drawn(
        '<pattern id="p" width="1e-6" height="1e-6"><path d="M0 0h1"/></pattern><rect width="99" height="99" fill="url(#p)"/>'
    ),
    "a mask masked by itself": drawn(
        '<mask id="m"><rect width="9" height="9" mask="url(#m)"/></mask><clipPath id="c" clip-path="url(#c)"><rect width="9" height="9" clip-path="url(#c)"/></clipPath><rect width="9" height="9" mask="url(#m)" clip-path="url(#c)"/>'
    ),
    "a marker marked by itself": drawn(
        '<marker id="m"><path d="M0 0h9v9" marker-mid="url(#m)" marker-end="url(#m)"/></marker><path d="M0 0h9v9" marker-end="url(#m)"/>'
    ),
    "a gradient that inherits from itself": drawn(
        '<linearGradient id="a" href="#b" xlink:href="#b"/><linearGradient id="b" href="#a" xlink:href="#a"/><rect width="9" height="9" fill="url(#a)"/>'
    ),
    "text along itself": drawn(
        '<path id="t" d="' + "M0 0h1e9" * 9_999 + '"/><text><textPath href="#t">' + "x" * 99_999 + "</textPath></text>"
    ),
    "a blur as wide as the sky": drawn(
        '<filter id="f" x="-1e6" y="-1e6" width="2e6" height="2e6"><feGaussianBlur stdDeviation="1e9"/><feTurbulence baseFrequency="1e-9" numOctaves="9999999"/><feMorphology radius="1e6"/></filter><rect width="99999" height="99999" filter="url(#f)"/>'
    ),
    "a million filters": drawn(
        '<filter id="f">'
        + '<feConvolveMatrix order="99" kernelMatrix="1"/>' * 99_999
        + '</filter><rect width="99" height="99" filter="url(#f)"/>'
    ),
    "dashes without number": drawn('<path d="M0 0h1e9" stroke="red" stroke-dasharray="1e-6"/>'),
    "a path of a million points": drawn('<path d="M0 0' + "l1 1" * 1_000_000 + '"/>'),
    "arcs as large as worlds": drawn(
        '<path d="M0 0' + "A1e9 1e9 0 1 1 1e-9 1" * 50_000 + '" stroke-width="1e9" stroke="red"/>'
    ),
    "groups in groups": drawn("<g>" * 100_000 + "x" + "</g>" * 100_000),
    "a million elements": drawn('<rect width="1" height="1"/>' * 1_000_000),
    "a picture as large as a country": with_file(
        "b.svg",
        "image/svg+xml",
        lambda: (
            b'<svg xmlns="http://www.w3.org/2000/svg" width="1e9" height="1e9" viewBox="0 0 1 1"><rect width="1" height="1"/></svg>'
        ),
    ),
    "entities of entities": drawn("<text>&e30;</text>", f"<!DOCTYPE svg [{_ENTITIES}]>"),
    "an entity that needs itself": drawn("<text>&a;</text>", '<!DOCTYPE svg [<!ENTITY a "&b;"><!ENTITY b "&a;">]>'),
    "a picture in a picture in a picture": drawn('<image width="9" height="9" href="asset:bomb.svg"/>'),
    # --- Files that grow when they are opened
    "png: 100,000 by 20,000": with_file("b.png", "image/png", lambda: swollen.png(100_000, 20_000)),
    "png: just within the pixels, a hundred times": with_file(
        "b.png",
        "image/png",
        lambda: swollen.png(7_000, 7_000),
        "".join(f'<img src="asset:b.png?{n}" width="9">' for n in range(100)),
    ),
    "png: a comment that swells": with_file("b.png", "image/png", swollen.png_with_large_text),
    "png: a colour profile that swells": with_file("b.png", "image/png", swollen.png_with_large_profile),
    "png: a colour profile that is cut off": with_file("b.png", "image/png", swollen.png_with_profile_cut_off),
    "png: a colour profile without end": with_file("b.png", "image/png", swollen.png_with_profile_without_end),
    "png: a hundred colour profiles": with_file("b.png", "image/png", swollen.png_with_many_profiles),
    "jpeg: a colour profile in pieces": with_file("b.jpg", "image/jpeg", swollen.jpeg_with_profile_in_pieces),
    "jpeg: a packet of XMP that swells": with_file("b.jpg", "image/jpeg", swollen.jpeg_with_large_packet),
    "webp: frames of 7,000 squared": with_file("b.webp", "image/webp", swollen.webp_of_many_frames),
    "webp: a colour profile without end": with_file("b.webp", "image/webp", swollen.webp_with_profile_without_end),
    "icc: four gigabytes by its own account": coloured(lambda: embedded.profile_that_claims(size=0xFFFFFFFF)),
    "icc: four thousand million tags": coloured(lambda: embedded.profile_that_claims(tags=0xFFFFFFFF)),
    "icc: tags of four gigabytes": coloured(lambda: embedded.profile_that_claims(length=0xFFFFFFF0)),
    "icc: a text of a megabyte, eight times": coloured(lambda: embedded.profile("x" * (1 << 19))),
    "icc: ten thousand rules": coloured(lambda: embedded.profile("x"), rules=10_000),
    "gif: 65,535 squared": with_file("b.gif", "image/gif", swollen.gif),
    "gif: ten thousand frames": with_file("b.gif", "image/gif", swollen.gif_of_many_frames),
    "bmp: 60,000 squared, run-length": with_file("b.bmp", "image/bmp", swollen.bmp),
    "jpeg: 65,500 squared": with_file("b.jpg", "image/jpeg", swollen.jpeg),
    "webp: 16,383 squared": with_file("b.webp", "image/webp", swollen.webp),
    "tiff: 65,000 squared": with_file("b.tiff", "image/tiff", swollen.tiff),
    "svgz: a gigabyte of spaces": with_file(
        "b.svgz",
        "image/svg+xml",
        lambda: gzip.compress(b"<svg xmlns='http://www.w3.org/2000/svg'>" + b" " * (256 << 20) + b"</svg>", 1),
    ),
    "data: thirty megabytes of base64": source(f'<img src="{_data_url("image/png", bytes(30 << 20))}">'),
    "data: a sheet of gzip": source(
        f'<link rel="stylesheet" href="{_data_url("text/css;charset=zlib", gzip.compress(bytes(64 << 20), 1))}">'
    ),
    "data: a charset that decompresses": source(
        '<link rel="stylesheet" href="data:text/css;charset=bz2;base64,QlpoOTE=">'
    ),
    "woff: a table that swells": font("b.woff", swollen.woff),
    "woff2: tables that swell": font("b.woff2", swollen.woff2),
    "ttf: a table as long as it likes": font("b.ttf", swollen.ttf_with_long_table),
    "ttf: a glyph made of itself": font("b.ttf", swollen.ttf_made_of_itself),
    "ttf: a program that loops": font("b.ttf", swollen.ttf_that_loops),
    "ttf: a ligature that feeds itself": font("b.ttf", swollen.ttf_that_multiplies),
}
