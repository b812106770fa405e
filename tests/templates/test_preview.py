"""…/versions/{n}/preview"""

from __future__ import annotations

import io
from typing import Any

import pypdfium2
import pytest
from PIL import Image, ImageChops

from templates_app.authoring import previews
from templates_app.renderer.contracts import RenderLimits
from templates_app.renderer.sandbox import Sandbox
from templates_app.renderer_pools import SandboxPool
from tests.conftest import Member
from tests.templates.conftest import Author

TWO_PAGES = """<style>@page { size: 100mm 50mm; margin: 5mm } h1 { break-after: page }</style>
<h1 style="color: rgb(255, 0, 0)">Dear {{ name }}</h1><p>second</p>"""


def preview(author: Author, version: int = 1, **body: Any) -> Any:
    """Ask for a preview."""
    return author.post(f"/versions/{version}/preview", body)


def texts(response: Any) -> list[str]:
    """Return the text of each page."""
    assert response.status_code == 200, response.content
    assert response.headers["Content-Type"] == "application/pdf"
    with pypdfium2.PdfDocument(response.content) as pdf:
        return [page.get_textpage().get_text_range() for page in pdf]


def test_a_draft_is_previewed_with_its_sample(author: Author) -> None:
    author.draft(html_source=TWO_PAGES)
    response = preview(author)
    assert [text.strip() for text in texts(response)] == ["Dear Ada", "second"]
    assert response.headers["Page-Count"] == "2"
    assert response.headers["Cache-Control"] == "no-store"


def test_a_payload_options_and_another_engine_are_obeyed(author: Author) -> None:
    author.draft(html_source=TWO_PAGES)
    response = preview(author, payload={"name": "Bo"}, engine="weasyprint", options={"page_size": "A5"})
    assert "Dear Bo" in texts(response)[0]
    with pypdfium2.PdfDocument(response.content) as pdf:
        assert "WeasyPrint" in pdf.get_metadata_value("Producer")
        assert sorted(round(side / 72 * 25.4) for side in pdf[0].get_size()) == [148, 210]


def test_a_draft_that_changed_is_previewed_as_it_is_now(author: Author) -> None:
    author.draft()
    assert "Dear Ada" in texts(preview(author))[0]
    author.patch(1, html_source="<p>new {% include 'line' %}", partials={"line": "part"})
    assert "new part" in texts(preview(author))[0]
    author.patch(1, partials={"line": "other"})
    assert "new other" in texts(preview(author))[0]


@pytest.mark.parametrize("page", [1, 2])
def test_a_png_shows_one_page(author: Author, page: int) -> None:
    author.draft(html_source=TWO_PAGES)
    response = preview(author, format="png", page=page)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "image/png")
    picture = Image.open(io.BytesIO(response.content)).convert("RGB")
    assert picture.width == pytest.approx(2 * picture.height, abs=3)
    red, green, _ = picture.split()
    assert (ImageChops.subtract(red, green).getbbox() is not None) == (page == 1)


def test_a_poster_is_shown_in_bounds(author: Author) -> None:
    author.draft(html_source="<style>@page { size: 5000mm 100mm }</style><p>x")
    picture = Image.open(io.BytesIO(preview(author, format="png").content))
    assert max(picture.size) <= 2400


def test_a_page_that_is_not_there_is_422(author: Author) -> None:
    author.draft(html_source=TWO_PAGES)
    response = preview(author, format="png", page=3)
    assert (response.status_code, response.json()["code"]) == (422, "page_missing")
    assert response.json()["errors"] == [{"pointer": "/page", "message": "The document has 2 pages."}]


@pytest.mark.parametrize(
    ("fields", "body", "code", "pointer"),
    [
        ({"html_source": "a\n{% if %}"}, {}, "template_error", "/html_source"),
        ({"html_source": "{% include 'p' %}", "partials": {"p": "{{"}}, {}, "template_error", "/partials/p"),
        ({}, {"payload": {}}, "payload_error", "/payload/name"),
        ({"payload_schema": {"required": ["name", "age"]}}, {"payload": {}}, "payload_invalid", "/payload/name"),
        ({"html_source": "<img src='asset:x.png'>", "resource_policy": "fail"}, {}, "asset_missing", "/html_source"),
    ],
)
def test_what_cannot_be_made_is_422_with_its_place(
    author: Author, fields: dict[str, Any], body: dict[str, Any], code: str, pointer: str
) -> None:
    author.draft(**fields)
    response = preview(author, **body)
    assert (response.status_code, response.json()["code"]) == (422, code)
    assert response.json()["errors"][0]["pointer"] == pointer


def test_the_line_at_fault_is_named(author: Author) -> None:
    author.draft(html_source="a\n{% if %}")
    assert "(line 2" in preview(author).json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"format": "gif"}, "/format"),
        ({"page": 0}, "/page"),
        ({"engine": "steam"}, "/engine"),
        ({"options": {"page_size": "A44"}}, "/options/page_size"),
        ({"payload": []}, "/payload"),
        ({"colour": 1}, "/colour"),
    ],
)
def test_a_malformed_wish_is_400(author: Author, body: dict[str, Any], pointer: str) -> None:
    author.draft()
    response = preview(author, **body)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, pointer)


@pytest.fixture
def small_pool(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Any:
    """One sandbox for previews, with half a second."""
    pool = SandboxPool(
        lambda: Sandbox(scratch_root=settings.DATA_DIR / "scratch", limits=RenderLimits(timeout_s=0.7)),
        size=1,
        wait_s=0.01,
    )
    monkeypatch.setattr(previews, "authoring_pool", pool)
    yield pool
    pool.close()


def test_a_document_that_takes_too_long_is_422(author: Author, small_pool: SandboxPool) -> None:
    author.draft(html_source="{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}")
    response = preview(author)
    assert (response.status_code, response.json()["code"]) == (422, "render_timeout")


def test_more_previews_than_there_are_processes_get_429(author: Author, small_pool: SandboxPool) -> None:
    author.draft()
    with small_pool.lease("another team"):
        response = preview(author)
    assert (response.status_code, response.json()["code"]) == (429, "busy")
    assert response.headers["Retry-After"] == "2"


def test_a_published_version_can_be_previewed_and_a_stranger_cannot(author: Author, charlie: Member) -> None:
    author.published()
    assert "Dear Ada" in texts(preview(author))[0]
    assert preview(Author(charlie)).status_code == 404
