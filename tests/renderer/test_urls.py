"""Only `asset:` and `data:` URLs give anything; nothing else is asked for, and the policy decides what follows."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator

import pytest

from templates_app.renderer.contracts import ErrorCode, ResourcePolicy
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.support import FONT_PATH, Asset, Engine, failure, spec, text_of

ENGINES = pytest.mark.parametrize("engine", list(Engine))
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
PIXEL_URL = "data:image/png;base64," + base64.b64encode(PIXEL).decode()

# Every place that loads something, with URL for where it points.
PLACES = {
    "image": '<img src="URL">',
    "image set": '<img srcset="URL 1x">',
    "picture": '<picture><source srcset="URL"><img src="URL"></picture>',
    "style sheet link": '<link rel="stylesheet" href="URL">',
    "import": '<style>@import "URL";</style>',
    "import by url()": "<style>@import url(URL) print;</style>",
    "import in a data sheet": '<style>@import "data:text/css,@import%20%22URL%22;";</style>',
    "import in an asset sheet": '<link rel="stylesheet" href="asset:nested.css">',
    "background": "<p style=\"background: url('URL')\">x",
    "border image": "<p style=\"border: 9px solid; border-image: url('URL') 3\">x",
    "list marker": "<ul style=\"list-style-image: url('URL')\"><li>x</ul>",
    "content": "<style>p::before { content: url('URL') }</style><p>x",
    "page background": "<style>@page { background: url('URL') }</style><p>x",
    "font": "<style>@font-face { font-family: f; src: url('URL') } p { font-family: f }</style><p>x",
    "svg image": '<svg width="9" height="9"><image href="URL" width="9" height="9"/></svg>',
    "svg use": '<svg width="9" height="9"><use href="URL#a"/></svg>',
    "image in an svg asset": '<img src="asset:nested.svg">',
    "image in an svg data url": "<img src='data:image/svg+xml,"
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="URL" width="9" height="9"/></svg>\'>',
    "object": '<object data="URL"></object>',
    "embed": '<embed src="URL">',
    "frame": '<iframe src="URL"></iframe>',
    "script": '<script src="URL"></script>',
    "attachment": '<link rel="attachment" href="URL"><a rel="attachment" href="URL">x</a>',
    "base": '<base href="URL"><img src="x.png"><link rel="stylesheet" href="y.css">',
    "colour profile": "<style>@color-profile device-cmyk { src: url('URL') }</style><p>x",
}
SPELLINGS = (
    "http://HOST/x",
    "https://HOST/x",
    "HtTp://HOST/x",
    " http://HOST/x",
    "//HOST/x",
    "http:\\\\HOST\\x",
    "ftp://HOST/x",
    "file:///etc/passwd",
    "file:/etc/passwd",
    "/etc/passwd",
    "../../etc/passwd",
    "relative.png",
    "javascript:1",
    "asset://HOST/x",
    "asset:../../etc/passwd",
    "asset:missing.png",
)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port on this machine that would notice any connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server
        with pytest.raises(BlockingIOError):
            server.accept()


def nested(url: str) -> tuple[Asset, ...]:
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="{url}" width="9" height="9"/></svg>'
    )
    return (
        Asset("nested.svg", "image/svg+xml", svg.encode()),
        Asset("nested.css", "text/css", f'@import "{url}"; p {{ background: url("{url}") }}'.encode()),
    )


@ENGINES
@pytest.mark.parametrize("place", PLACES)
def test_no_place_in_a_document_reaches_the_network(
    sandbox: Sandbox, listener: socket.socket, engine: Engine, place: str
) -> None:
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
    wanted = spec(PLACES[place].replace("URL", url) + "<p>end", engine=engine, assets=nested(url))
    if place == "colour profile" and engine is Engine.WEASYPRINT:
        assert failure(sandbox, wanted).code is ErrorCode.ASSET_MISSING
    else:
        assert "end" in text_of(sandbox.render(wanted, tenant="acme"))


@ENGINES
def test_no_spelling_of_a_url_is_loaded_and_every_one_is_reported(
    sandbox: Sandbox, listener: socket.socket, engine: Engine
) -> None:
    host = f"127.0.0.1:{listener.getsockname()[1]}"
    urls = [spelling.replace("HOST", host) for spelling in SPELLINGS]
    html = "".join(f'<img src="{url}">' for url in urls)
    document = sandbox.render(spec(html, engine=engine), tenant="acme")
    refusals = [warning for warning in document.warnings if "only asset:" in warning or "among this version" in warning]
    # PlutoBook resolves some to the same URL before it asks: HtTp:, http:\\, file:/, ../..
    assert len(refusals) >= len(urls) - 5
    assert len(refusals) == len(document.warnings)


@ENGINES
def test_an_asset_is_loaded_whatever_the_spelling_of_scheme_and_name(sandbox: Sandbox, engine: Engine) -> None:
    names = ("logo.png", "two words.png", "zwölf.png", "a%b.png", "q?.png")
    assets = tuple(Asset(name, "image/png", PIXEL) for name in names)
    urls = ["asset:logo.png", "ASSET:logo.png", " Asset:logo.png", "asset:logo.png#part", "asset:logo.png?v=2"]
    urls += ["asset:two words.png", "asset:two%20words.png", "asset:zwölf.png", "asset:zw%C3%B6lf.png"]
    urls += ["asset:a%25b.png", "asset:q%3F.png", PIXEL_URL, PIXEL_URL.replace("data", "DATA", 1)]
    html = "".join(f'<img src="{url}">' for url in urls)
    document = sandbox.render(spec(html, engine=engine, assets=assets, policy=ResourcePolicy.FAIL), tenant="acme")
    assert document.warnings == ()


@ENGINES
def test_policy_warn_names_the_url_and_its_line(sandbox: Sandbox, engine: Engine) -> None:
    document = sandbox.render(spec('<p>a\n<img src="asset:gone.png">\n', engine=engine), tenant="acme")
    assert document.warnings == ("asset:gone.png (line 2): it is not among this version's assets",)


@ENGINES
def test_policy_ignore_is_silent(sandbox: Sandbox, engine: Engine) -> None:
    wanted = spec('<img src="asset:gone.png"><img src="http://x/y">', engine=engine, policy=ResourcePolicy.IGNORE)
    assert sandbox.render(wanted, tenant="acme").warnings == ()


@ENGINES
@pytest.mark.parametrize("place", ["image", "font", "style sheet link", "import", "svg image"])
def test_policy_fail_fails_for_ever(sandbox: Sandbox, engine: Engine, place: str) -> None:
    wanted = spec(PLACES[place].replace("URL", "asset:gone"), engine=engine, policy=ResourcePolicy.FAIL)
    error = failure(sandbox, wanted)
    assert error.code is ErrorCode.ASSET_MISSING
    assert error.permanent
    assert "asset:gone" in error.message


@ENGINES
def test_an_image_that_is_none_counts_as_missing(sandbox: Sandbox, engine: Engine) -> None:
    assets = (Asset("broken.png", "image/png", b"not an image"),)
    html = '<img src="asset:broken.png">'
    document = sandbox.render(spec(html, engine=engine, assets=assets), tenant="acme")
    assert [warning.startswith("asset:broken.png (line 1): ") for warning in document.warnings] == [True]
    error = failure(sandbox, spec(html, engine=engine, assets=assets, policy=ResourcePolicy.FAIL))
    assert error.code is ErrorCode.ASSET_MISSING


@ENGINES
def test_the_warnings_of_one_document_are_not_told_again(sandbox: Sandbox, engine: Engine) -> None:
    assets = (Asset("broken.png", "image/png", b"not an image"),)
    sandbox.render(spec('<img src="asset:broken.png">', engine=engine, assets=assets), tenant="acme")
    after = sandbox.render(spec("<p>clean", engine=engine), tenant="acme")
    assert (after.warnings, after.log) == ((), "")


@ENGINES
def test_thousands_of_warnings_are_cut_short(sandbox: Sandbox, engine: Engine) -> None:
    html = "".join(f'<img src="http://x/{number}">' for number in range(3000))
    document = sandbox.render(spec(html, engine=engine), tenant="acme")
    assert 10 < len(document.warnings) <= 50
    assert len(document.log) <= 16_000


@ENGINES
def test_a_font_on_the_machine_may_be_named_without_a_warning(sandbox: Sandbox, engine: Engine) -> None:
    css = '@font-face { font-family: mine; src: local("DejaVu Sans Mono Bold") } p { font-family: mine }'
    document = sandbox.render(spec("<p>x", css=css, engine=engine, policy=ResourcePolicy.FAIL), tenant="acme")
    assert document.warnings == ()


def test_naming_a_local_font_opens_no_door_to_files(sandbox: Sandbox) -> None:
    css = f'@font-face {{ font-family: mine; src: local("None"), url(file://{FONT_PATH}) }} p {{ font-family: mine }}'
    document = sandbox.render(spec("<p>x", css=css), tenant="acme")
    assert any(warning.startswith("file:///") for warning in document.warnings)
