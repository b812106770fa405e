"""The admin's door, in a real browser."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.processes.service import Service


def test_a_member_signs_in_and_finds_the_way_out(running: Service, visit: Visit) -> None:
    with visit(running, user="alice") as page:
        expect(page.locator("#user-tools")).to_contain_text("alice")
        page.get_by_role("button", name="Log out").click()
        page.goto("/admin/")
        expect(page.get_by_label("Username")).to_be_visible()


def test_a_wrong_password_opens_nothing(running: Service, visit: Visit) -> None:
    with visit(running) as page:
        page.goto("/admin/login/")
        page.get_by_label("Username").fill("alice")
        page.get_by_label("Password").fill("a short one")
        page.get_by_role("button", name="Log in").click()
        expect(page.locator(".errornote")).to_be_visible()
        assert page.context.cookies(running.base) == [] or "sessionid" not in str(page.context.cookies())
