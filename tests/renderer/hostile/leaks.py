"""Documents that try to load something: every file of `places/` with every line of `spellings.txt` in place of URL.

A file's suffix says what it is: `.html`, `.svg`, `.css`, a piece of a template language's source, or what is embedded
in pictures of every kind: an `.xmp` packet, or the texts of an `.icc` profile. The word `alone` in its first comment
says that only one of its kind fits into a document.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

from templates_app.renderer.contracts import Asset, Engine, Language, RenderSpec
from tests.renderer.hostile import embedded

HERE = Path(__file__).parent
PLACES = sorted(path.name for path in (HERE / "places").iterdir())
_AT_ONCE = 50
# What a file that must not be read says, wherever it ends up.
CANARY = "CANARY"
CANARIES = {
    ".css": f"p::before, body::before {{ content: '{CANARY}' }} @page {{ @top-left {{ content: '{CANARY}' }} }}",
    ".svg": f'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><text id="a" y="20">{CANARY}</text></svg>',
}


@dataclass(frozen=True)
class _Piece:
    """Part of a source, and the files that it brings along."""

    source: str
    assets: tuple[Asset, ...] = ()


@dataclass(frozen=True)
class _Kind:
    """What the files of one suffix are: the language, what makes a piece of one, and what stands around the pieces."""

    language: Language
    piece: Callable[[int, str, str], _Piece]
    before: str = ""
    after: str = ""


def spellings(canaries: Path) -> list[str]:
    """Return all addresses; the files among them lie in the directory `canaries`."""
    lines = (HERE / "spellings.txt").read_text().splitlines()
    texts = [line.replace("\\t", "\t").replace("\\n", "\n") for line in lines if not line.startswith("#")]
    files = [str(canaries / f"canary{suffix}") for suffix in CANARIES]
    return [each for text in texts for each in ([text.replace("FILE", f) for f in files] if "FILE" in text else [text])]


def specs(place: str, engine: Engine, canaries: Path) -> Iterator[RenderSpec]:
    """Yield the documents of a place."""
    path = HERE / "places" / place
    source, urls, kind = path.read_text(), spellings(canaries), _KINDS[path.suffix]
    values = {"urls": urls, "htmls": [f'<img src="{url}"><style>@import "{url}";</style>' for url in urls]}
    pieces = [kind.piece(number, source, url) for number, url in enumerate(urls)]
    if kind.piece is _once:
        pieces = pieces[:1]
    at_once = 1 if "alone" in source.partition("\n")[0][:20] else _AT_ONCE
    for group in (pieces[begin : begin + at_once] for begin in range(0, len(pieces), at_once)):
        yield RenderSpec(
            language=kind.language,
            engine=engine,
            html_source=kind.before + "\n\n".join(piece.source for piece in group) + kind.after,
            css_source=source.replace("URL", urls[0]) if path.suffix == ".css" else "",
            payload=json.dumps(values).encode(),
            assets=tuple(asset for piece in group for asset in piece.assets),
            trusted_fields=("htmls.*",),
        )


def _html(_: int, source: str, url: str) -> _Piece:
    return _Piece(source.replace("URL", url.replace('"', "&quot;")))


def _css(number: int, source: str, url: str) -> _Piece:
    css = source.replace("URL", url)
    data = "data:text/css;base64," + base64.b64encode(css.encode()).decode()
    html = f'<style>{css}</style><link rel="stylesheet" href="asset:{number}.css"><link rel="stylesheet" href="{data}">'
    return _Piece(f"{html}<style>@import '{data}';</style>", (Asset(f"{number}.css", "text/css", css.encode()),))


def _svg(number: int, source: str, url: str) -> _Piece:
    # In XML an address holds no bare `<`, or all of it would be refused; what is an entity already stays one.
    svg = source.replace("URL", url.replace("<", "&lt;").replace('"', "&quot;"))
    data = "data:image/svg+xml," + quote(svg)
    name = f"asset:{number}.svg"
    html = f"<img src='{name}'><object data='{name}'></object><embed src='{name}'><img src='{data}'>{svg}"
    html += f'<p style="background: url({name}); list-style-image: url({name})">x</p>'
    return _Piece(html, (Asset(f"{number}.svg", "image/svg+xml", svg.encode()),))


def _xmp(number: int, source: str, url: str) -> _Piece:
    xmp = source.replace("URL", url).encode()
    return _shown(embedded.pictures(number, xmp, embedded.profile("plain")))


def _icc(number: int, source: str, url: str) -> _Piece:
    text = source.replace("URL", url)
    profile = Asset(f"{number}.icc", "application/vnd.iccprofile", embedded.profile(text))
    pictures = _shown(embedded.pictures(number, text.encode(), profile.data))
    rule = f"@color-profile --c{number} {{ src: url(asset:{profile.name}); components: r, g, b }}"
    html = f"<style>{rule}</style><p style='color: color(--c{number} 1 0 0)'>x{pictures.source}"
    return _Piece(html, (profile, *pictures.assets))


def _shown(pictures: tuple[Asset, ...]) -> _Piece:
    urls = [f"asset:{one.name}" for one in pictures]
    urls += [f"data:{one.content_type};base64,{base64.b64encode(one.data).decode()}" for one in pictures]
    return _Piece("".join(f"<img src='{url}'>" for url in urls), pictures)


def _text(_: int, source: str, url: str) -> _Piece:
    return _Piece(source.replace("URL", url))


def _xml(_: int, source: str, url: str) -> _Piece:
    return _Piece(source.replace("URL", escape(url)))


def _numbered(number: int, source: str, _url: str) -> _Piece:
    return _Piece(source.replace("NUMBER", str(number)))


def _once(_: int, source: str, _url: str) -> _Piece:
    return _Piece(source)


_END = "<p data-u='x'>end<ul><li>x</ul>"
_KINDS: Mapping[str, _Kind] = {
    ".html": _Kind(Language.RAW_HTML, _html, after=_END),
    ".css": _Kind(Language.RAW_HTML, _css, after=_END),
    ".svg": _Kind(Language.RAW_HTML, _svg, after=_END),
    ".xmp": _Kind(Language.RAW_HTML, _xmp, after=_END),
    ".icc": _Kind(Language.RAW_HTML, _icc, after=_END),
    ".md": _Kind(Language.MARKDOWN, _text),
    ".mjml": _Kind(Language.MJML, _xml, "<mjml><mj-body>", "</mj-body></mjml>"),
    ".mjhead": _Kind(
        Language.MJML,
        _xml,
        "<mjml><mj-head>",
        "</mj-head><mj-body><mj-section><mj-column>"
        "<mj-text font-family='f'>x</mj-text></mj-column></mj-section></mj-body></mjml>",
    ),
    ".jinja2": _Kind(Language.JINJA2, _once),
    ".handlebars": _Kind(Language.HANDLEBARS, _once),
    ".lookup": _Kind(Language.HANDLEBARS, _numbered),
}
