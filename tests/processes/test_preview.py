"""Previews by a real web process: what an author sees, and what a document costs that never ends."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest
from PIL import Image

from tests.processes.service import Service, text_of, until

ENDLESS = "{% for a in range(9999) %}" * 3 + "{% endfor %}" * 3


@pytest.fixture
def preview(running: Service) -> Callable[..., httpx.Response]:
    """Make a draft and return a call that previews it: `preview(source, **wishes)`."""

    def _preview(source: str, **wishes: object) -> httpx.Response:
        slug = f"preview-{time.monotonic_ns()}-{threading.get_ident()}"
        with httpx.Client(base_url=running.base, headers=running.http.headers, timeout=60, trust_env=False) as client:
            assert client.post("/pdf/templates", json={"slug": slug, "name": slug}).status_code == 201
            draft = {"language": "jinja2", "engine": "plutobook", "html_source": source}
            assert client.post(f"/pdf/templates/{slug}/versions", json=draft).status_code == 201
            return client.post(f"/pdf/templates/{slug}/versions/1/preview", json=wishes)

    return _preview


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["weasyprint", "plutobook"])
def test_a_preview_is_a_pdf_or_a_picture(preview: Callable[..., httpx.Response], engine: str) -> None:
    source = "<style>@page { size: 100mm 50mm; margin: 5mm }</style><h1>Dear {{ name }}</h1>"
    wishes = {"payload": {"name": "Ada"}, "engine": engine}
    answer = preview(source, **wishes)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert "Dear Ada" in text_of(answer.content)
    answer = preview(source, **wishes, format="png")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    picture = Image.open(io.BytesIO(answer.content))
    assert picture.width == pytest.approx(2 * picture.height, abs=3)
    assert picture.convert("L").point(lambda light: 255 if light < 100 else 0).getbbox()  # there is ink


def _keep_if_refused(answer: httpx.Response, refused: list[httpx.Response]) -> bool:
    if answer.status_code != 200:
        refused.append(answer)
    return bool(refused)


@pytest.mark.slow
def test_an_endless_preview_ends_after_ten_seconds_and_holds_up_nothing_else(
    preview: Callable[..., httpx.Response], running: Service
) -> None:
    def persist() -> tuple[httpx.Response, float]:
        give_up_at = time.monotonic() + 60
        while True:
            began = time.monotonic()
            answer = preview(ENDLESS)
            if answer.status_code != 429 or began > give_up_at:  # else a short one was under way
                return answer, time.monotonic() - began

    with ThreadPoolExecutor(1) as pool:
        endless: Future[tuple[httpx.Response, float]] = pool.submit(persist)
        refused: list[httpx.Response] = []
        until(lambda: refused or _keep_if_refused(preview("<p>short"), refused), "the endless preview is under way")
        (busy,) = refused
        assert (busy.status_code, busy.json()["code"]) == (429, "busy")
        assert busy.headers["Retry-After"] == "2"
        assert running.http.get("/healthz").status_code == 200
        answer, took = endless.result(timeout=120)
    assert (answer.status_code, answer.json()["code"]) == (422, "render_timeout")
    assert 10 <= took < 30
    assert preview("<p>short").status_code == 200
