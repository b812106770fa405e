"""What comes out of both engines: text, pages, styles, fonts, metadata, and the same bytes every time."""

from __future__ import annotations

import importlib
import io
from functools import cache
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import Image

from templates_app.renderer.contracts import Language, RenderedDocument, RenderLimits, RenderSpec, ResourcePolicy
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.support import FONT_PATH, Asset, Engine, spec, text_of

ENGINES = pytest.mark.parametrize("engine", list(Engine))
FONT = Asset("own.ttf", "font/ttf", Path(FONT_PATH).read_bytes())
FONT_CSS = "@font-face { font-family: Own; src: url(asset:own.ttf) } p { font-family: Own, serif }"


def fonts_of(document: RenderedDocument) -> set[str]:
    """Return the names of the embedded fonts without their subset tags."""
    with pikepdf.open(io.BytesIO(document.pdf)) as pdf:
        found = [item for item in pdf.objects if isinstance(item, pikepdf.Dictionary) and "/BaseFont" in item]
        return {str(item["/BaseFont"]).lstrip("/").partition("+")[2] for item in found}


@cache
def packed_font(flavour: str) -> bytes:
    """Return the test's font as WOFF or WOFF2."""
    font = importlib.import_module("fontTools.ttLib").TTFont(FONT_PATH)  # untyped
    font.flavor = flavour
    stream = io.BytesIO()
    font.save(stream)
    return stream.getvalue()


def pixel(document: RenderedDocument, x: int, y: int) -> tuple[int, ...]:
    """Return the colour of the first page, in points from its upper left corner."""
    with pypdfium2.PdfDocument(document.pdf) as pdf:
        colour = pdf[0].render(scale=1).to_pil().getpixel((x, y))
    assert isinstance(colour, tuple)
    return colour[:3]


@ENGINES
def test_payload_and_template_become_a_pdf_with_their_text(sandbox: Sandbox, engine: Engine) -> None:
    wanted = spec("<h1>{{ title }}</h1>", engine=engine, payload='{"title": "Rechnung für Žižek"}'.encode())
    document = sandbox.render(wanted, tenant="acme")
    assert document.pdf.startswith(b"%PDF-")
    assert text_of(document).strip() == "Rechnung für Žižek"
    assert document.page_count == 1
    assert document.engine_version.lower().startswith(engine.value)
    assert document.peak_memory_kb > 10_000
    assert document.engine_ms >= 0
    assert (document.warnings, document.log) == ((), "")


@ENGINES
def test_characters_that_no_engine_takes_do_not_stop_a_document(sandbox: Sandbox, engine: Engine) -> None:
    payload = rb'{"a": "half \ud800 and NUL \u0000 and whole \ud83d\ude00"}'
    document = sandbox.render(spec("<p>{{ a }}", engine=engine, payload=payload, title="half \ud800"), tenant="acme")
    assert "and whole" in text_of(document)


@ENGINES
def test_an_inline_svg_may_refer_to_its_own_parts(sandbox: Sandbox, engine: Engine) -> None:
    svg = """<svg xmlns="http://www.w3.org/2000/svg" width="50" height="50"><defs>
        <symbol id="s"><circle r="9"/></symbol>
        <linearGradient id="g"><stop offset="0" stop-color="red"/><stop offset="1" stop-color="blue"/></linearGradient>
        <clipPath id="c"><circle r="20"/></clipPath></defs>
        <rect width="50" height="50" fill="url(#g)" clip-path="url(#c)"/><use href="#s"/></svg>"""
    links = '<a href="#here">a</a><a href="https://example.com/">b</a><a href="c.html">c</a><h1 id="here">d</h1>'
    assets = (Asset("s.svg", "image/svg+xml", svg.encode()),)
    wanted = spec(f'{svg}{links}<img src="asset:s.svg">', engine=engine, assets=assets, policy=ResourcePolicy.FAIL)
    assert sandbox.render(wanted, tenant="acme").warnings == ()


@ENGINES
def test_raw_html_is_taken_as_it_is(sandbox: Sandbox, engine: Engine) -> None:
    wanted = RenderSpec(language=Language.RAW_HTML, engine=engine, html_source="<p>{{ not a variable }}")
    assert text_of(sandbox.render(wanted, tenant="acme")).strip() == "{{ not a variable }}"


@ENGINES
def test_pages_are_counted(sandbox: Sandbox, engine: Engine) -> None:
    wanted = spec('<p style="break-after: page">one<p style="break-after: page">two<p>three', engine=engine)
    document = sandbox.render(wanted, tenant="acme")
    assert document.page_count == 3
    assert [page.strip() for page in text_of(document).split("\f")] == ["one", "two", "three"]


@ENGINES
def test_an_empty_document_is_an_empty_page(sandbox: Sandbox, engine: Engine) -> None:
    assert sandbox.render(spec("", engine=engine), tenant="acme").page_count == 1


@ENGINES
def test_the_css_comes_after_the_heads_own_with_an_authors_rank(sandbox: Sandbox, engine: Engine) -> None:
    html = """<!doctype html><html><head><title>t</title><style>
        @page { margin: 0; size: 300pt 100pt } body { margin: 0 } div { height: 100pt; width: 100pt; float: left }
        .first { background: #f00 } .second.second { background: #0f0 } .third { background: #f00 }
        </style></head><body><div class="first"></div><div class="second"></div>
        <div class="third" style="background: #0f0"></div>"""
    css = ".first { background: #00f } .second { background: #f00 } .third { background: #00f }"
    document = sandbox.render(spec(html, engine=engine, css=css), tenant="acme")
    assert pixel(document, 50, 50) == (0, 0, 255), "equal selectors: the later wins"
    assert pixel(document, 150, 50) == (0, 255, 0), "a more specific selector wins"
    assert pixel(document, 250, 50) == (0, 255, 0), "a style attribute wins"


@ENGINES
def test_css_cannot_leave_its_style_element(sandbox: Sandbox, engine: Engine) -> None:
    css = 'p::before { content: "</style><h1>out</h1>" } p::after { content: "</STYLE >" }'
    document = sandbox.render(spec("<p>in", engine=engine, css=css), tenant="acme")
    assert text_of(document).replace("\r\n", "").strip() == "</style><h1>out</h1>in</STYLE >"


@ENGINES
def test_an_asset_font_is_used_and_embedded(sandbox: Sandbox, engine: Engine) -> None:
    document = sandbox.render(spec("<p>abc", engine=engine, css=FONT_CSS, assets=(FONT,)), tenant="acme")
    # WeasyPrint names it after the style sheet, PlutoBook after itself.
    expected = {Engine.WEASYPRINT: "Own-Bold", Engine.PLUTOBOOK: "DejaVuSansMono-Bold"}
    assert fonts_of(document) == {expected[engine]}


@ENGINES
def test_the_font_of_one_document_is_unknown_to_the_next(sandbox: Sandbox, engine: Engine) -> None:
    tenant = f"fonts-{engine}"
    with_font = sandbox.render(spec("<p>abc", engine=engine, css=FONT_CSS, assets=(FONT,)), tenant=tenant)
    after = sandbox.render(spec("<p>abc", engine=engine, css="p { font-family: Own, serif }"), tenant=tenant)
    assert fonts_of(after) != fonts_of(with_font)
    assert {name.replace("-", "") for name in fonts_of(after)} == {"DejaVuSerif"}


@ENGINES
def test_an_image_is_drawn(sandbox: Sandbox, engine: Engine) -> None:
    square = b'<rect width="100%" height="100%" fill="#00f"/>'
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="80pt" height="80pt">' + square + b"</svg>"
    style = "@page { margin: 0; size: 100pt } body { margin: 0 } img { display: block }"
    html = f"<style>{style}</style><img src='asset:a.svg'>"
    document = sandbox.render(spec(html, engine=engine, assets=(Asset("a.svg", "image/svg+xml", svg),)), tenant="acme")
    assert pixel(document, 40, 40) == (0, 0, 255)
    assert pixel(document, 90, 90) == (255, 255, 255)


@ENGINES
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_every_common_kind_of_image_is_drawn_inside_the_confinement(
    sandbox: Sandbox, engine: Engine, kind: str
) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (40, 40), "#00f").save(stream, kind)
    asset = Asset("image", f"image/{kind.lower()}", stream.getvalue())
    html = "<style>@page { margin: 0; size: 100pt } img { display: block; margin: 0 }</style><img src='asset:image'>"
    wanted = spec(html, engine=engine, assets=(asset,), policy=ResourcePolicy.FAIL)
    red, green, blue = pixel(sandbox.render(wanted, tenant="acme"), 10, 10)
    assert max(red, green) < 10
    assert blue > 240


@ENGINES
@pytest.mark.parametrize("flavour", ["woff", "woff2"])
def test_compressed_fonts_are_unpacked_inside_the_confinement(sandbox: Sandbox, engine: Engine, flavour: str) -> None:
    asset = Asset("own.ttf", f"font/{flavour}", packed_font(flavour))
    document = sandbox.render(spec("<p>abc", engine=engine, css=FONT_CSS, assets=(asset,)), tenant="acme")
    assert "Bold" in fonts_of(document).pop()
    assert document.warnings == ()


@ENGINES
def test_the_same_spec_gives_the_same_bytes_in_any_process(sandbox: Sandbox, tmp_path: Path, engine: Engine) -> None:
    html = """<title>t</title><h1 id=a>{{ a }}</h1><p>text <b>bold</b> <i>it</i> <a href="#a">up</a>
        <img src="asset:i.svg">
        <link rel="attachment" href="asset:i.svg"><a rel="attachment" href="asset:own.ttf">font</a>"""
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4" fill="red"/></svg>'
    wanted = spec(
        html, engine=engine, css=FONT_CSS, payload=b'{"a": "A"}', assets=(FONT, Asset("i.svg", "image/svg+xml", svg))
    )
    first = sandbox.render(wanted, tenant="acme").pdf
    sandbox.render(spec("<p>something else", engine=engine), tenant="acme")
    assert sandbox.render(wanted, tenant="acme").pdf == first
    with Sandbox(scratch_root=tmp_path, limits=RenderLimits(timeout_s=20)) as another:
        assert another.render(wanted, tenant="umbrella").pdf == first


@ENGINES
def test_metadata_says_who_when_and_what(sandbox: Sandbox, engine: Engine) -> None:
    document = sandbox.render(spec("<p>x", engine=engine, title="Invoice 7"), tenant="acme")
    with pikepdf.open(io.BytesIO(document.pdf)) as pdf:
        assert str(pdf.docinfo["/Title"]) == "Invoice 7"
        assert str(pdf.docinfo["/Producer"]) == document.engine_version
        assert str(pdf.docinfo["/CreationDate"]) == str(pdf.docinfo["/ModDate"]) == "D:20260102020405Z"


@ENGINES
def test_the_documents_own_title_wins(sandbox: Sandbox, engine: Engine) -> None:
    html = "<html><head><title>Own</title></head><p>x"
    document = sandbox.render(spec(html, engine=engine, title="Fallback"), tenant="acme")
    with pikepdf.open(io.BytesIO(document.pdf)) as pdf:
        assert str(pdf.docinfo["/Title"]) == "Own"


@ENGINES
def test_without_a_time_the_document_has_no_dates(sandbox: Sandbox, engine: Engine) -> None:
    wanted = RenderSpec(language=Language.RAW_HTML, engine=engine, html_source="<p>x")
    with pikepdf.open(io.BytesIO(sandbox.render(wanted, tenant="acme").pdf)) as pdf:
        assert "/CreationDate" not in pdf.docinfo
        assert "/ModDate" not in pdf.docinfo


@ENGINES
def test_a_child_makes_many_documents_without_growing(sandbox: Sandbox, engine: Engine) -> None:
    peaks = [sandbox.render(spec(f"<p>{n}", engine=engine), tenant=f"many-{engine}").peak_memory_kb for n in range(60)]
    assert peaks[-1] - peaks[10] < 8 << 10


@ENGINES
def test_words_with_ligatures_can_be_found_in_the_pdf(sandbox: Sandbox, engine: Engine) -> None:
    garamond = Path(__file__).parents[2] / "templates_app/samples/certificate/assets/EBGaramond-Regular.ttf"
    own = Asset("own.ttf", "font/ttf", garamond.read_bytes())
    html = f"<style>{FONT_CSS}</style><p>office waffle"
    document = sandbox.render(spec(html, engine=engine, assets=(own,)), tenant="acme")
    assert "office waffle" in text_of(document)


def test_weasyprint_keeps_nothing_of_a_document_with_fonts_of_its_own(sandbox: Sandbox) -> None:
    def memory_after(documents: int) -> int:
        for _ in range(documents):
            sandbox.render(spec("<p>words", css=FONT_CSS, assets=(FONT,)), tenant="fonts")
        return sandbox._nursery.child_for("fonts").memory_kb()

    before = memory_after(20)
    # Pango would keep 220 KB for each.
    assert memory_after(60) - before < 60 * 100
