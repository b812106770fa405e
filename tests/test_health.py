"""/healthz and /readyz, and what Django answers by itself."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from django.test import Client

from jobs_app import queue
from pdfservice import health
from pdfservice.lib import storage

pytestmark = pytest.mark.django_db


def test_it_lives_and_is_ready() -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}
    response = Client().get("/readyz")
    assert (response.status_code, response.json()) == (
        200,
        {"status": "ready", "database": "ok", "storage": "ok", "broker": "ok"},
    )
    assert Client().head("/readyz").status_code == 200
    assert Client().post("/readyz").status_code == 405


def test_it_is_not_ready_without_its_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(health, "_ask_database", away)
    response = Client().get("/readyz")
    assert (response.status_code, response.json()["database"]) == (503, "away")
    assert response.headers["Retry-After"] == "5"


def test_it_is_not_ready_without_its_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise storage.StorageUnavailable("gone")

    monkeypatch.setattr(storage, "ping", away)
    assert Client().get("/readyz").json()["storage"] == "away"


def test_it_is_ready_without_its_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "outstanding", lambda: None)
    response = Client().get("/readyz")
    assert (response.status_code, response.json()["broker"]) == (200, "away")


def test_an_address_where_nothing_is_answers_in_the_callers_language() -> None:
    response = Client().get("/nothing")
    assert (response.status_code, response.headers["Content-Type"]) == (404, "application/problem+json")
    page = Client().get("/admin/nothing/", follow=True)
    assert "text/html" in page.headers["Content-Type"]


@pytest.mark.parametrize("address", ["/pdf/jobs", "/admin/login/"])
def test_every_answer_has_the_security_headers(address: str) -> None:
    headers = Client().get(address).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "X-Request-ID" in headers


def test_a_surprise_is_a_problem_document_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def surprise(*_: Any) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("pdfservice.teams.authentication.api_key_recognise", surprise)
    client = Client(raise_request_exception=False)
    response = client.get("/pdf/jobs", headers={"authorization": "Bearer x"})
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "secret" not in response.content.decode()


def test_an_unknown_host_is_refused(settings: LazySettings) -> None:
    response = Client().get("/healthz", headers={"host": "evil.example"})
    assert response.status_code == 400


def test_guessing_passwords_is_throttled(settings: LazySettings, django_user_model: Any) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    django_user_model.objects.create_user(username="eve", password="right horse battery", is_staff=True)
    client = Client()
    for _ in range(3):
        client.post("/admin/login/", {"username": "eve", "password": "wrong"})
    response = client.post("/admin/login/", {"username": "eve", "password": "right horse battery"})
    assert response.status_code == 429
