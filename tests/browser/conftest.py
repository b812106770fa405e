"""Pages in a real browser, Debian's Chromium, against the service as its operators run it.

A browser lives as long as a module: Playwright keeps an event loop in the thread of its tests, and Django would refuse
its database to the tests of other modules there. Tests of this folder therefore look at rows through `Service.query`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from tests.processes.conftest import new_service, running, service
from tests.processes.seed import PASSWORD
from tests.processes.service import Service

__all__ = ["new_service", "running", "service"]  # fixtures

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
# As root there is no sandbox; the rest keeps Chromium from looking for its maker's servers.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]

Visit = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A running Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser) -> Visit:
    """Return a context manager: a page of a service in a browser of its own, signed in as `user` if one is given.

    It fails in the end when the page threw an error, wrote one to the console (what the Content-Security-Policy refuses
    is one), or asked anybody but the service. `expected` holds texts of complaints that are no fault.
    """

    @contextmanager
    def visited(
        served: Service,
        *,
        user: str = "",
        expected: tuple[str, ...] = (),
        width: int = 1280,
        height: int = 800,
        dark: bool = False,
        locale: str = "en-US",
        phone: bool = False,
    ) -> Iterator[Page]:
        context = browser.new_context(
            base_url=served.base,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            locale=locale,
            is_mobile=phone,
            has_touch=phone,
            reduced_motion="reduce",
        )
        context.set_default_timeout(20_000)
        try:
            page = context.new_page()
            complaints = _complaints(page, served.base)
            if user:
                sign_in(page, user)
            yield page
            serious = [each for each in complaints if not any(text in each for text in expected)]
            assert not serious, serious
        finally:
            context.close()

    return visited


def sign_in(page: Page, user: str, password: str = PASSWORD) -> None:
    """Sign in at the admin's door; the browser keeps the session."""
    page.goto("/admin/login/")
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")


def session_of(context: BrowserContext) -> dict[str, str]:
    """Return the cookies of a browser by name."""
    return {cookie["name"]: cookie["value"] for cookie in context.cookies()}


def _complaints(page: Page, base: str) -> list[str]:
    found: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            found.append(f"console: {message.text} ({message.location['url']})")

    def on_request(request: Request) -> None:
        if not request.url.startswith((base, base.replace("http", "ws", 1), "data:", "blob:", "about:")):
            found.append(f"foreign request: {request.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    page.on("request", on_request)
    return found
