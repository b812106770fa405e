"""…/versions/{n}/assets: files are what their bytes say, and only what is whole and harmless is taken."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from PIL import Image

from pdfservice.lib import storage
from templates_app.authoring.parts import MAX_ASSET_BYTES
from templates_app.models import TemplateAsset
from tests.templates.conftest import Author

FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


def picture(kind: str, size: tuple[int, int] = (8, 8)) -> bytes:
    """Return a picture."""
    stream = io.BytesIO()
    Image.new("RGB", size, "red").save(stream, kind)
    return stream.getvalue()


def woff(flavor: str | None) -> bytes:
    """Return a tiny font as TTF, WOFF or WOFF2."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((500, 0))
    pen.lineTo((250, 700))
    pen.closePath()
    builder = FontBuilder(1000)
    builder.setupGlyphOrder([".notdef", "A"])
    builder.setupCharacterMap({65: "A"})
    builder.setupGlyf({".notdef": pen.glyph(), "A": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "A": (500, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Tiny", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.font.flavor = flavor
    stream = io.BytesIO()
    builder.save(stream)
    return stream.getvalue()


def otf() -> bytes:
    """Return a font with PostScript outlines."""
    from fontTools.pens.t2CharStringPen import T2CharStringPen

    pen = T2CharStringPen(500, None)
    builder = FontBuilder(1000, isTTF=False)
    builder.setupGlyphOrder([".notdef", "A"])
    builder.setupCharacterMap({65: "A"})
    builder.setupCFF("Tiny", {}, {".notdef": pen.getCharString(), "A": pen.getCharString()}, {})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "A": (500, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Tiny", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    stream = io.BytesIO()
    builder.save(stream)
    return stream.getvalue()


def svg(inner: str = "", attributes: str = "", before: str = "") -> bytes:
    """Return an SVG."""
    head = f'{before}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {attributes}>'
    return f"{head}{inner}</svg>".encode()


def upload(author: Author, data: bytes, *, kind: str = "image", name: str = "file", filename: str = "x.bin") -> Any:
    """Send a file to the first version."""
    body = {"file": SimpleUploadedFile(filename, data), "name": name, "type": kind}
    return author.member.api.post(f"{author.url}/versions/1/assets", body, format="multipart")


@pytest.fixture
def drafting(author: Author) -> Author:
    """An author with a draft."""
    author.draft()
    return author


@pytest.mark.parametrize(
    ("data", "kind", "content_type"),
    [
        (woff(None), "font", "font/ttf"),
        (otf(), "font", "font/otf"),
        (woff("woff"), "font", "font/woff"),
        (woff("woff2"), "font", "font/woff2"),
        (picture("PNG"), "image", "image/png"),
        (picture("JPEG"), "logo", "image/jpeg"),
        (picture("WEBP"), "image", "image/webp"),
        (svg('<path d="M0 0h9v9z"/>'), "logo", "image/svg+xml"),
        (svg('<defs><g id="a"/></defs><use xlink:href="#a" fill="url(#b)"/>'), "image", "image/svg+xml"),
        (svg('<image href="data:image/png;base64,AA"/>', before='<?xml version="1.0"?>'), "logo", "image/svg+xml"),
    ],
)  # fmt: skip
def test_a_file_is_taken_for_what_it_is(drafting: Author, data: bytes, kind: str, content_type: str) -> None:
    response = upload(drafting, data, kind=kind, filename="misleading.exe")
    assert response.status_code == 201, response.content
    shown = response.json()
    assert (shown["name"], shown["type"], shown["content_type"], shown["size_bytes"]) == (
        "file",
        kind,
        content_type,
        len(data),
    )
    assert drafting.get("/versions/1/assets").json() == [shown] == drafting.get("/versions/1").json()["assets"]
    assert storage.read(TemplateAsset.objects.get().storage_key) == data


def broken_font() -> bytes:
    """Return a font whose character map does not parse."""
    font = TTFont(io.BytesIO(woff(None)))
    font["cmap"] = table = font["cmap"]
    data = bytearray(woff(None))
    place = data.find(table.compile(font))
    data[place : place + 40] = b"\xff" * 40
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "kind", "says"),
    [
        (b"", "image", "empty"),
        (b"MZ\x90\x00", "image", "none of"),
        (b"%PDF-1.7", "image", "none of"),
        (b"GIF89a", "image", "none of"),
        (picture("PNG"), "font", "no font"),
        (woff(None), "image", "no image"),
        (picture("PNG")[:-20], "image", "broken"),
        (picture("JPEG")[:200], "image", "broken"),
        (b"RIFF\x00\x00\x00\x00WAVE", "image", "broken"),
        (woff(None)[:200], "font", "broken"),
        (woff("woff2")[:-30], "font", "broken"),
        (broken_font(), "font", "font"),
        (b"OTTO" + b"\xff" * 100, "font", "broken"),
        (b"<html><body>x</body></html>", "image", "no SVG"),
        (b"<svg", "image", "broken"),
    ],
)
def test_what_is_broken_or_something_else_is_refused(drafting: Author, data: bytes, kind: str, says: str) -> None:
    response = upload(drafting, data, kind=kind)
    assert response.status_code == (400 if not data else 422), response.content
    assert says in response.content.decode()
    assert response.json()["errors"][0]["pointer"] == "/file"
    assert not TemplateAsset.objects.exists()


@pytest.mark.parametrize(
    "data",
    [
        svg("<script>alert(1)</script>"),
        svg("<SCRIPT xlink:href='data:text/javascript,1'/>"),
        svg(attributes='onload="alert(1)"'),
        svg('<a xlink:href="javascript:alert(1)"/>'),
        svg('<image href="https://example.com/x.png"/>'),
        svg('<image xlink:href="file:///etc/passwd"/>'),
        svg('<image href="other.png"/>'),
        svg('<image href="data:image/svg+xml;base64,AAAA"/>'),
        svg('<use href="other.svg#a"/>'),
        svg('<rect fill="url(https://example.com/x)"/>'),
        svg('<rect style="fill: u\\72l(https://example.com/x)"/>'),
        svg("<style>@import 'https://example.com/x.css'</style>"),
        svg("<style>rect { fill: url(//example.com/x) }</style>"),
        svg("<style>@im/**/port 'x'; @i\\6dport 'https://example.com/x.css'</style>"),
        svg("<foreignObject><p/></foreignObject>"),
        svg('<set attributeName="href" to="javascript:alert(1)"/>'),
        svg(before='<?xml-stylesheet href="https://example.com/x.css"?>'),
        svg("&x;", before='<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        svg(attributes='id="&x;"', before='<!DOCTYPE svg [<!ENTITY x "y">]>'),
        svg('<h:script xmlns:h="http://www.w3.org/1999/xhtml">1</h:script>'),
    ],
)
def test_an_svg_with_a_script_or_anything_from_elsewhere_is_refused(drafting: Author, data: bytes) -> None:
    response = upload(drafting, data)
    assert (response.status_code, response.json()["code"]) == (422, "asset_refused")
    assert "The SVG" in response.json()["detail"]


def test_a_picture_of_too_many_pixels_is_refused(drafting: Author) -> None:
    response = upload(drafting, picture("PNG", (10_000, 6_000)))
    assert response.status_code == 422
    assert "50 million" in response.json()["detail"]


def test_a_file_that_is_too_large_is_413(drafting: Author) -> None:
    for size in (MAX_ASSET_BYTES + 1, MAX_ASSET_BYTES + (1 << 20)):
        response = upload(drafting, bytes(size))
        assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_a_file_of_a_name_takes_the_place_of_the_one_before(drafting: Author) -> None:
    upload(drafting, picture("PNG"))
    upload(drafting, picture("JPEG"))
    assert TemplateAsset.objects.get().content_type == "image/jpeg"
    assert drafting.member.api.delete(f"{drafting.url}/versions/1/assets/file").status_code == 204
    assert drafting.member.api.delete(f"{drafting.url}/versions/1/assets/file").status_code == 404


def test_a_published_version_takes_no_files(author: Author) -> None:
    author.published()
    response = upload(author, picture("PNG"))
    assert (response.status_code, response.json()["code"]) == (409, "version_frozen")


@pytest.mark.parametrize(
    ("change", "pointer"), [({"name": "../x"}, "/name"), ({"kind": "film"}, "/type"), ({"name": ""}, "/name")]
)
def test_a_malformed_upload_is_400(drafting: Author, change: dict[str, str], pointer: str) -> None:
    response = upload(drafting, picture("PNG"), **change)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, pointer)


def test_json_is_no_file(drafting: Author) -> None:
    assert drafting.post("/versions/1/assets", {"name": "x", "type": "image"}).status_code == 415
