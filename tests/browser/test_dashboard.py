"""The dashboard in a real browser, against the service's own processes: on SQLite, and on PostgreSQL with Redis."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.spikes import check_rows, limit_queue, start_spike, verdict_of
from tests.processes.conftest import SERVER_URL, NewService
from tests.processes.service import Service, until

pytestmark = pytest.mark.slow

# Chromium writes an error for each answer that is none of 200, and for a line that breaks.
REFUSED = ("429 (Too Many Requests)",)
BROKEN = ("WebSocket connection to", "ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET")
THOUSAND = 1_000 if SERVER_URL else 300


@pytest.fixture
def own(new_service: NewService) -> Iterator[Service]:
    """A service of this test's own: web, two workers and maintenance."""
    with new_service() as made:
        made.start("web", "work", "maintain")
        made.wait_until_ready()
        yield made


def number(page: Page, name: str) -> int:
    """Return a number as the page shows it."""
    text = page.locator(f'[data-value="{name}"]').first.text_content() or ""
    return int(text.replace(",", ""))


def see(page: Page, address: str = "/dashboard/") -> None:
    """Open a page and wait until it is live."""
    page.goto(address)
    expect(page.locator("#link")).to_have_attribute("data-state", "live")


def seen(page: Page) -> int:
    """Return how many changes the page has told since it was opened."""
    found = re.match(r"[\d,]+", page.locator("#seen").text_content() or "")
    return int(found[0].replace(",", "")) if found else 0


def test_numbers_move_while_jobs_run(running: Service, visit: Visit) -> None:
    with visit(running, user="bob") as page:
        see(page)
        before = number(page, "done")
        jobs = running.submit(20)
        running.wait_until_done(jobs)
        expect(page.locator('[data-value="done"]').first).to_have_text(f"{before + 20:,}")
        expect(page.locator('[data-value="waiting"]').first).to_have_text("0")
        row = page.locator(f'#stream [data-job="{jobs[-1]}"]')
        expect(row).to_have_attribute("data-state", "done")
        assert seen(page) >= 60
        expect(page.locator("#workers li")).to_have_count(2)
        expect(page.locator("#plot-done .bar").first).to_be_attached()
        assert page.locator("[data-retry]").count() == 0  # a viewer looks on


def test_the_first_paint_needs_no_script(running: Service, visit: Visit) -> None:
    running.wait_until_done(running.submit(1))
    with visit(running, user="bob") as page:
        html = page.request.get("/dashboard/").text()
    shown = re.search(r'data-value="done">([\d,]+)<', html)
    assert shown
    assert int(shown[1].replace(",", "")) >= 1


def test_two_teams_see_only_their_own(running: Service, visit: Visit) -> None:
    with visit(running, user="alice") as acme, visit(running, user="charlie") as umbrella:
        see(acme)
        see(umbrella)
        before = number(acme, "done")
        jobs = running.submit(5)
        running.wait_until_done(jobs)
        expect(acme.locator('[data-value="done"]').first).to_have_text(f"{before + 5:,}")
        assert seen(acme) >= 15
        assert seen(umbrella) == 0
        assert number(umbrella, "done") == number(umbrella, "waiting") == 0
        assert umbrella.locator("#stream tr").count() == 0
        assert umbrella.request.get(f"/dashboard/jobs/{jobs[0]}").status == 404
        assert umbrella.request.get("/dashboard/?team=acme").status == 404
    with visit(running, user="sam") as staff:
        see(staff)
        expect(staff.get_by_label("Team")).to_have_value("*")
        expect(staff.locator('[data-value="done"]').first).to_have_text(f"{before + 5:,}")
        expect(staff.locator("#templates")).to_contain_text("acme / plutobook")
        assert staff.locator("#operations").count() == 0


def test_a_dropped_socket_says_so_and_catches_up(own: Service, visit: Visit) -> None:
    with visit(own, user="bob", expected=BROKEN) as page:
        see(page)
        own.wait_until_done(own.submit(3))
        expect(page.locator("#seen")).to_have_text("9 changes since you opened this page")
        own.stop("web")
        expect(page.locator("#link")).to_have_attribute("data-state", "lost")
        expect(page.locator("#link-text")).to_have_text("Connection lost, trying again")
        own.start("web")
        until(own._answers, "the web process answers again", seconds=60)
        jobs = own.submit(4)
        own.wait_until_done(jobs)
        expect(page.locator("#link")).to_have_attribute("data-state", "live", timeout=40_000)
        # Every change exactly once: three events for each of seven jobs.
        expect(page.locator("#seen")).to_have_text("21 changes since you opened this page")
        expect(page.locator('[data-value="done"]').first).to_have_text("7")


def test_an_operator_makes_documents_from_the_page(running: Service, visit: Visit) -> None:
    with visit(running, user="oscar") as page:
        see(page)
        page.locator("#operations > summary").click()
        document = page.locator("#panel-document")
        document.get_by_role("button", name="Sample invoice").click()
        expect(document.locator(".outcome.good")).to_contain_text("Done")
        document.get_by_label("Template").select_option("plutobook")
        document.get_by_label("Payload").fill('{"number": 1, "rows": "many"}')
        document.get_by_role("button", name="Make it").click()
        expect(document.locator(".outcome.bad")).to_contain_text("Failed")
        page.get_by_role("tab", name="Batch").click()
        batch = page.locator("#panel-batch")
        batch.get_by_label("Template").select_option("plutobook")
        batch.get_by_label("Documents").fill("5")
        batch.get_by_role("button", name="Send the batch").click()
        expect(batch.locator(".outcome.good")).to_contain_text("5 done")
        page.get_by_role("tab", name="Burst").click()
        burst = page.locator("#panel-burst")
        burst.get_by_label("Template").select_option("plutobook")
        burst.get_by_label("Requests").fill("12")
        burst.get_by_role("button", name="Send them at once").click()
        expect(burst.locator(".outcome.good")).to_contain_text("12 accepted, 0 refused")


def test_a_dead_letter_goes_back_and_a_jobs_page_follows_it(running: Service, visit: Visit) -> None:
    unique = uuid4().hex
    body = {"template": "plutobook", "payload": {"number": unique, "rows": "many"}}
    job = running.http.post("/pdf/generate", json=body).json()["id"]
    until(lambda: running.http.get(f"/pdf/jobs/{job}").json()["status"] == "failed", "it failed")
    with visit(running, user="alice") as page:
        see(page)
        letter = page.locator(f'#dead [data-job="{job}"]')
        expect(letter).to_contain_text("template_error")
        with page.context.expect_page() as _:
            page.evaluate("address => window.open(address)", f"/dashboard/jobs/{job}")
        other = page.context.pages[-1]
        expect(other.locator("#link")).to_have_attribute("data-state", "live")
        expect(other.locator(".timeline li.failed")).to_have_count(1)
        letter.get_by_role("button", name="Retry").click()
        expect(other.locator(".timeline li.revived")).to_have_count(1)
        expect(other.locator(".timeline li.failed")).to_have_count(2)
        expect(letter.get_by_role("button", name="Retry")).to_be_visible()  # failed again, and told again


def test_a_jobs_page_shows_the_document_and_hands_it_out(running: Service, visit: Visit) -> None:
    [job] = running.submit(1)
    running.wait_until_done([job])
    with visit(running, user="alice") as page:
        see(page, f"/dashboard/jobs/{job}")
        picture = page.locator("#picture")
        expect(picture).to_be_visible()
        until(lambda: picture.evaluate("image => image.complete && image.naturalWidth > 0"), "the picture is there")
        page.get_by_role("button", name="Make a link").click()
        link = page.locator("#made-link a")
        expect(link).to_be_visible()
        expect(page.locator(".links li").first).to_contain_text("0 of 1 use")
        page.get_by_role("button", name="Revoke").click()
        expect(page.locator(".links li").first).to_contain_text("revoked")
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        assert download.value.path().read_bytes() == running.outputs([job])[job]


def test_it_fits_a_phone_and_goes_by_keyboard(running: Service, visit: Visit) -> None:
    running.wait_until_done(running.submit(2))
    with visit(running, user="oscar", width=390, height=844, phone=True) as page:
        see(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press("Tab")
        expect(page.get_by_text("Skip to content")).to_be_focused()
        page.locator("#operations > summary").focus()
        page.keyboard.press("Enter")
        page.get_by_role("tab", name="Document").focus()
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("tab", name="Batch")).to_be_focused()
        expect(page.locator("#panel-batch")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        job = page.locator("#stream a").first.get_attribute("href")
        see(page, job or "")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_field_and_button_has_a_name(running: Service, visit: Visit) -> None:
    with visit(running, user="oscar") as page:
        see(page)
        page.locator("#operations > summary").click()
        nameless = page.evaluate(
            """() => [...document.querySelectorAll("button, select, input:not([type=hidden]), textarea, a, [role=img]")]
                .filter((each) => !(each.labels?.length || each.textContent.trim() || each.ariaLabel))
                .map((each) => each.outerHTML)"""
        )
        assert nameless == []
        # Only what a person asked for, and whether the line stands, is read out.
        assert page.locator("[role=status]").count() <= 8
        assert page.locator("[aria-live], #stream[role], #workers[role]").count() == 0


def test_a_months_end_drains_with_nothing_lost_and_nothing_doubled(own: Service, visit: Visit) -> None:
    limit_queue(own, THOUSAND * 2 // 5)
    with visit(own, user="oscar", expected=REFUSED, height=1100) as page:
        see(page)
        start_spike(page, "invoice-plutobook", THOUSAND)
        result = verdict_of(page, seconds=240)
        expect(page.locator("#spike-verdict")).not_to_have_class(re.compile("bad"))
        assert (result["accepted"], result["lost"], result["doubled"], result["wrong"]) == (THOUSAND, 0, 0, 0)
        assert result["refused"] > 0
        assert result["failed"] == result["poison"] > 0
        assert result["urgent"] > 0
        assert result["urgent_lost"] == 0
        assert result["documents"] < THOUSAND - result["poison"]  # some were the same
        expect(page.locator("#spike-queue .mark").first).to_be_attached()
        expect(page.locator("#spike-times .dot-urgent").first).to_be_attached()
        expect(page.locator('[data-value="waiting"]').first).to_have_text("0")
    check_rows(own, result)


def test_the_way_in_leads_back_to_the_page(running: Service, visit: Visit) -> None:
    with visit(running) as page:
        page.goto("/dashboard/?team=acme")
        page.get_by_label("Username").fill("bob")
        page.get_by_label("Password").fill("a long pass phrase")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/dashboard/?team=acme")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Username")).to_be_visible()
