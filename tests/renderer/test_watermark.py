"""Watermarks on pages: seen where and how they should be, while text, links and size of the document stay."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageChops

from templates_app.renderer.contracts import Engine, ErrorCode, RenderedDocument
from templates_app.renderer.finishes import Finish, Watermark
from templates_app.renderer.finishing import watermark
from templates_app.renderer.finishing.page_frames import frame_of
from templates_app.renderer.finishing.watermark_pattern import placements
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.support import failure, spec, text_of

ENGINES = pytest.mark.parametrize("engine", list(Engine))
RED = Watermark("WATERMARK", color="#ff0000", opacity=1, rotation_deg=0)
PAGES = (
    "<style>@page { size: A6; margin: 1cm } p { break-after: page }</style>" + "<p>page of words</p>" * 4 + "<i>end</i>"
)


def stamped(sandbox: Sandbox, engine: Engine, mark: Watermark | None, html: str = PAGES) -> RenderedDocument:
    """Return a document with a watermark."""
    return sandbox.render(spec(html, engine=engine, finish=Finish(watermark=mark)), tenant="acme")


def pictures(pdf: bytes, scale: float = 1) -> list[Image.Image]:
    """Return each page as a reader sees it."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [page.render(scale=scale).to_pil().convert("RGB") for page in document]


def reddish(picture: Image.Image) -> Image.Image:
    """Return white where the picture is red of any strength."""
    red, green, blue = picture.split()
    return ImageChops.subtract(red, ImageChops.lighter(green, blue)).point(lambda value: 255 if value > 10 else 0)


def red_box(picture: Image.Image) -> tuple[int, int, int, int]:
    """Return where the picture is red."""
    box = reddish(picture).getbbox()
    assert box is not None
    return box


@ENGINES
def test_it_is_in_the_middle_of_every_page_and_the_text_stays(sandbox: Sandbox, engine: Engine) -> None:
    document = stamped(sandbox, engine, RED)
    assert document.page_count == 5
    for picture in pictures(document.pdf):
        left, top, right, bottom = red_box(picture)
        assert abs((left + right) - picture.width) <= 3
        assert abs((top + bottom) - picture.height) <= 3
        assert 0.75 < (right - left) / picture.width < 0.85
    assert text_of(document).count("page of words") == 4


@ENGINES
def test_pages_of_a_range_only(sandbox: Sandbox, engine: Engine) -> None:
    mark = Watermark("WATERMARK", color="#ff0000", opacity=1, pages=((2, 2), (4, None)))
    marked = [reddish(picture).getbbox() is not None for picture in pictures(stamped(sandbox, engine, mark).pdf)]
    assert marked == [False, True, False, True, True]


@ENGINES
@pytest.mark.parametrize("above", [True, False])
def test_above_or_below_the_content(sandbox: Sandbox, engine: Engine, above: bool) -> None:
    html = "<style>@page { size: 105mm 148mm; margin: 0 } div { background: #0000ff; height: 140mm }</style><div></div>"
    mark = Watermark("WATERMARK", color="#ff0000", opacity=1, above=above)
    (picture,) = pictures(stamped(sandbox, engine, mark, html).pdf)
    assert (reddish(picture).getbbox() is not None) is above


@ENGINES
def test_opacity_is_that_of_the_whole_even_where_glyphs_overlap(sandbox: Sandbox, engine: Engine) -> None:
    mark = Watermark("█\u0336█\u0336█\u0336", color="#ff0000", opacity=0.5, rotation_deg=0)
    (picture,) = pictures(stamped(sandbox, engine, mark, "<style>@page { size: A6 }</style>").pdf)
    darkest = min(colour[1] for _, colour in picture.getcolors(1 << 20) or [])  # type: ignore[index]
    assert 125 <= darkest <= 130


@ENGINES
@pytest.mark.parametrize(("degrees", "slope"), [(30, 1), (-30, -1)])
def test_rotation_counts_counterclockwise(sandbox: Sandbox, engine: Engine, degrees: float, slope: int) -> None:
    mark = Watermark("IIIIIIIIIIIIII", color="#ff0000", opacity=1, rotation_deg=degrees)
    (picture,) = pictures(stamped(sandbox, engine, mark, "<style>@page { size: A5 }</style>").pdf)
    left, _, right, _ = red_box(picture)
    middle = (left + right) // 2
    _, left_top, _, left_bottom = red_box(picture.crop((0, 0, middle, picture.height)))
    _, right_top, _, right_bottom = red_box(picture.crop((middle, 0, picture.width, picture.height)))
    assert ((left_top + left_bottom) - (right_top + right_bottom)) * slope > 0


@ENGINES
def test_font_size_is_in_points(sandbox: Sandbox, engine: Engine) -> None:
    heights = []
    for size in (20, 40):
        mark = Watermark("EHE", color="#ff0000", opacity=1, rotation_deg=0, font_size=size)
        (picture,) = pictures(stamped(sandbox, engine, mark, "<style>@page { size: A5 }</style>").pdf, scale=4)
        box = red_box(picture)
        heights.append((box[3] - box[1]) / 4)
    assert heights[0] == pytest.approx(20 * 0.729, abs=1)  # the height of a capital of DejaVu Sans
    assert heights[1] == pytest.approx(2 * heights[0], abs=1)


@ENGINES
def test_tiles_cover_the_page(sandbox: Sandbox, engine: Engine) -> None:
    mark = Watermark("WATERMARK", color="#ff0000", opacity=1, repeat=True)
    (picture,) = pictures(stamped(sandbox, engine, mark, "<style>@page { size: A5 }</style>").pdf)
    for column in range(4):
        for row in range(4):
            corner = picture.width * column // 4, picture.height * row // 4
            cell = picture.crop((*corner, corner[0] + picture.width // 4, corner[1] + picture.height // 4))
            assert reddish(cell).getbbox() is not None, (column, row)


@ENGINES
@pytest.mark.parametrize("text", ["سري للغاية", "機密文書", "गोपनीय", "Ж\u0301Ω", "Draft 🚫"])
def test_any_script_is_shaped_and_its_characters_are_found(sandbox: Sandbox, engine: Engine, text: str) -> None:
    html = "<style>@page { size: A5 }</style>words"
    document = stamped(sandbox, engine, Watermark(text, opacity=1), html)
    with pikepdf.open(io.BytesIO(document.pdf)) as pdf:
        for font in (item for item in pdf.objects if isinstance(item, pikepdf.Dictionary) and "/FontFile2" in item):
            assert len(font.FontFile2.read_bytes()) > 100
    assert "words" in text_of(document)
    inked = ImageChops.invert(pictures(document.pdf)[0].convert("L")).getbbox()
    assert inked is not None
    assert inked[2] - inked[0] > 100


@ENGINES
def test_characters_that_no_font_has_are_told(sandbox: Sandbox, engine: Engine) -> None:
    document = stamped(sandbox, engine, Watermark("A\U0001d800"))
    assert len(document.warnings) == 1
    assert document.warnings[0].startswith("Watermark: No font has these characters")


@ENGINES
def test_links_and_bookmarks_stay(sandbox: Sandbox, engine: Engine) -> None:
    html = '<h1 id="a">Head</h1><p><a href="https://example.org/x">out</a> <a href="#a">up</a>'
    document = stamped(sandbox, engine, RED, html)
    with pikepdf.open(io.BytesIO(document.pdf)) as pdf:
        notes = list(pdf.pages[0].Annots)
        assert [str(note.Subtype) for note in notes] == ["/Link", "/Link"]
        assert str(notes[0].A.URI) == "https://example.org/x"


@ENGINES
def test_pages_of_one_size_share_one_drawing(sandbox: Sandbox, engine: Engine) -> None:
    html = f"{PAGES}<style>.w {{ page: w }} @page w {{ size: A6 landscape }}</style><div class=w>wide</div>"
    plain, marked = stamped(sandbox, engine, None, html), stamped(sandbox, engine, RED, html)
    with pikepdf.open(io.BytesIO(marked.pdf)) as pdf:
        sizes = {tuple(page.mediabox) for page in pdf.pages}
        forms = [item for item in pdf.objects if isinstance(item, pikepdf.Stream) and "/Faint" in in_states(item)]
        assert len(forms) == len(sizes)
        assert b"/Artifact" in b"".join(stream.read_bytes() for stream in pdf.pages[0].Contents)
    assert len(marked.pdf) - len(plain.pdf) < 20_000


def in_states(form: pikepdf.Object) -> Sequence[str]:
    """Return the names of a form's graphics states."""
    states = form.get("/Resources", pikepdf.Dictionary()).get("/ExtGState", pikepdf.Dictionary())
    return [str(name) for name in states.keys()]  # noqa: SIM118  # a pikepdf.Object is no mapping


@ENGINES
def test_many_pages_share_it_too(sandbox: Sandbox, engine: Engine) -> None:
    html = "<style>@page { size: A6 } p { break-after: page }</style>" + "<p>x</p>" * 199 + "y"
    plain, marked = stamped(sandbox, engine, None, html), stamped(sandbox, engine, RED, html)
    assert plain.page_count == marked.page_count == 200
    assert len(marked.pdf) - len(plain.pdf) < 20_000


def drawn(kind: str, size: tuple[int, int], colour: str, *frames: str, **options: object) -> bytes:
    """Return a picture of one colour, or with a frame of each further one."""
    stream = io.BytesIO()
    further = [Image.new("RGBA", size, colour) for colour in frames]
    if further:
        options |= {"save_all": True, "append_images": further}
    Image.new("RGB" if kind == "JPEG" else "RGBA", size, colour).save(stream, kind, **options)
    return stream.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 50"><path fill="#f00" d="M10 0h80v50h-80z"/></svg>'
IMAGES = {
    "png": (drawn("PNG", (8, 4), "#ff0000"), "image/png"),
    "jpeg": (drawn("JPEG", (8, 4), "#ff0000"), "image/jpeg"),
    "webp": (drawn("WEBP", (8, 4), "#ff0000", lossless=True), "image/webp"),
    "lossy webp": (drawn("WEBP", (8, 4), "#ff0000"), "image/webp"),
    "animated webp": (drawn("WEBP", (8, 4), "#ff0000", "#0000ff"), "image/webp"),
    "svg": (SVG, "image/svg+xml"),
}


@ENGINES
@pytest.mark.parametrize("kind", IMAGES)
def test_an_image_has_the_part_of_the_pages_width_that_was_asked_for(
    sandbox: Sandbox, engine: Engine, kind: str
) -> None:
    image, content_type = IMAGES[kind]
    mark = Watermark(image=image, image_type=content_type, opacity=0.8, rotation_deg=0, width_percent=50)
    (picture,) = pictures(stamped(sandbox, engine, mark, "<style>@page { size: A5 }</style>").pdf)
    left, top, right, bottom = red_box(picture)
    assert (right - left) / picture.width == pytest.approx(0.5, abs=0.02)
    ratio = 1.6 if kind == "svg" else 2
    assert (right - left) / (bottom - top) == pytest.approx(ratio, rel=0.05)
    assert abs(left + right - picture.width) < 5


@ENGINES
def test_an_image_that_shows_nothing_is_an_error(sandbox: Sandbox, engine: Engine) -> None:
    mark = Watermark(image=b"no image", image_type="image/png")
    error = failure(sandbox, spec("<p>x", engine=engine, finish=Finish(watermark=mark)))
    assert (error.code, error.permanent) == (ErrorCode.ASSET_MISSING, True)
    assert "watermark" in error.message


def page_with(**attributes: object) -> pikepdf.Pdf:
    """Return a document of one empty page of A5 with other attributes."""
    document = pikepdf.new()
    document.add_blank_page(page_size=(420, 595))
    for name, value in attributes.items():
        document.pages[0].obj[f"/{name}"] = value
    return document


@pytest.mark.parametrize("rotate", [0, 90, 180, 270, -90, 450])
@pytest.mark.parametrize("origin", [(0, 0), (100, -50)])
def test_turned_and_shifted_pages_are_stamped_as_readers_see_them(rotate: int, origin: tuple[int, int]) -> None:
    x, y = origin
    is_turned = rotate % 180 != 0
    size = (595, 420) if is_turned else (420, 595)
    box = pikepdf.Array([x, y, x + size[0], y + size[1]])
    media = pikepdf.Array([x - 30, y - 40, x + size[0] + 99, y + size[1] + 10])
    expected, turned = page_with(), page_with(Rotate=rotate, CropBox=box, MediaBox=media)
    mark = Watermark("Upright F", color="#ff0000", opacity=1, rotation_deg=20)
    saved = []
    for document in (expected, turned):
        watermark.apply(document, spec("", engine=Engine.PLUTOBOOK, finish=Finish(watermark=mark)), "")
        stream = io.BytesIO()
        document.save(stream)
        saved.append(pictures(stream.getvalue())[0])
    difference = ImageChops.difference(*saved).convert("L").point(lambda value: 255 if value > 128 else 0)
    assert saved[0].size == saved[1].size
    assert difference.histogram()[255] < 200, "the same but for the edges of glyphs"


def test_boxes_are_inherited_and_may_be_upside_down() -> None:
    document = page_with()
    page = document.pages[0].obj
    del page["/MediaBox"]
    document.Root.Pages.MediaBox = pikepdf.Array([300, 400, 0, 0])
    assert frame_of(page).size == (300, 400)
    page.UserUnit = 2
    assert frame_of(page).size == (600, 800)
    page.CropBox = pikepdf.Array([500, 500, 600, 600])
    assert frame_of(page).size == (600, 800), "a crop box outside the page is none"


def test_a_tiny_stamp_on_a_poster_is_not_drawn_without_end() -> None:
    mark = Watermark("x", repeat=True, font_size=4)
    assert 100 < len(list(placements(mark, (12, 10), (2384, 3370)))) < 2_000
