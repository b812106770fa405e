"""The page of a link, in a real browser: four languages, light and dark, a phone, a keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from pdfservice.lib.colours import Colour
from tests.browser.conftest import Visit
from tests.processes.service import Service

BUTTONS = {"en-GB": "Download", "de-DE": "Herunterladen", "fr-CA": "Télécharger", "es-MX": "Descargar"}
TEXTS = ["h1", ".sender", ".hint", "dt", "dd", ".soft", "button", ".note", ".lead"]
# The colours of an element's text and of the first ground behind it.
_COLOURS = r"""element => {
    let ground = element;
    while (/^rgba.*, 0\)$/.test(getComputedStyle(ground).backgroundColor)) ground = ground.parentElement;
    return [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor];
}"""


@pytest.fixture(scope="module")
def document(running: Service) -> str:
    """Return the address of a job that made an invoice."""
    (job,) = running.submit(1)
    running.wait_until_done([job])
    return f"/pdf/jobs/{job}"


@pytest.fixture(params=["", "#ffe000", "#102030"], ids=["no colour", "yellow", "navy"])
def brand(request: Any, running: Service) -> Iterator[str]:
    """Give the team a colour for one test."""
    running.execute(f"UPDATE teams_team SET brand_color = '{request.param}' WHERE slug = 'acme'")  # noqa: S608  # ours
    yield request.param
    running.execute("UPDATE teams_team SET brand_color = '' WHERE slug = 'acme'")


def _link(service: Service, document: str, **wishes: Any) -> str:
    answer = service.http.post(f"{document}/links", json=wishes)
    assert answer.status_code == 201, answer.text
    return "/d/" + str(answer.json()["url"].rpartition("/")[2])


def _assert_readable(page: Page) -> None:
    for selector in TEXTS:
        for element in page.locator(selector).all():
            ink, ground = (_colour(text) for text in element.evaluate(_COLOURS))
            assert ink.contrast(ground) >= 4.5, (selector, str(ink), str(ground))


def _colour(css: str) -> Colour:
    return Colour(*(int(part) for part in re.findall(r"\d+", css)[:3]))


@pytest.mark.parametrize("locale", BUTTONS)
def test_it_speaks_the_browsers_language_and_fits_a_phone(
    running: Service, document: str, visit: Visit, locale: str
) -> None:
    link = _link(running, document, preview=True, max_uses=3)
    with visit(running, locale=locale, width=320, height=640, phone=True) as page:
        page.goto(link)
        expect(page.locator("html")).to_have_attribute("lang", locale[:2])
        expect(page.get_by_role("button", name=BUTTONS[locale])).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        assert page.locator("img.preview").evaluate("picture => picture.complete && picture.naturalHeight") == 800


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_can_be_read_whatever_the_brand(
    running: Service, document: str, visit: Visit, brand: str, dark: bool
) -> None:
    link = _link(running, document)
    with visit(running, dark=dark, expected=("404",)) as page:
        page.goto(link)
        _assert_readable(page)
        if brand:
            ground = page.get_by_role("button").evaluate("button => getComputedStyle(button).backgroundColor")
            assert str(_colour(ground)) == brand
        page.goto(f"/d/{'x' * 43}")
        _assert_readable(page)


def test_the_keyboard_downloads_and_then_the_link_is_spent(running: Service, document: str, visit: Visit) -> None:
    link = _link(running, document, preview=True)
    with visit(running, expected=("410",)) as page:
        page.goto(link)
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Download")).to_be_focused()
        with page.expect_download() as download:
            page.keyboard.press("Enter")
        assert download.value.suggested_filename == "plutobook.pdf"
        assert download.value.path().read_bytes().startswith(b"%PDF-")
        answer = page.goto(link)
        assert answer is not None
        assert answer.status == 410
        expect(page.get_by_role("heading", name="This link has been used")).to_be_visible()
        expect(page.locator("img")).to_have_count(0)


def test_it_works_without_scripts(running: Service, document: str, browser: Any) -> None:
    link = _link(running, document)
    context = browser.new_context(base_url=running.base, java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(link)
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        assert download.value.path().read_bytes().startswith(b"%PDF-")
    finally:
        context.close()
