"""No secret in any log line."""

from __future__ import annotations

import logging

import pytest

from pdfservice.lib.request_log import MaskedJson, MaskedText, mask_secrets
from pdfservice.lib.tokens import new_token


def test_tokens_and_keys_are_masked() -> None:
    token = new_token()
    assert mask_secrets(f"GET /d/{token}/file 200") == "GET /d/***/file 200"
    assert mask_secrets(f"Bearer pdf_Ab3dEf7h_{token}") == "Bearer pdf_Ab3dEf7h_***"


def test_arguments_and_tracebacks_are_masked_too() -> None:
    token = new_token()
    try:
        raise ValueError(f"/d/{token}")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "failed: %s", (f"/d/{token}",), info)
    record.request = f"<WSGIRequest: GET '/d/{token}'>"
    for formatter in (MaskedText(), MaskedJson()):
        line = formatter.format(record)
        assert "failed: /d/***" in line
        assert token not in line


def test_a_request_is_logged_with_its_id(client: object, db: None, caplog: pytest.LogCaptureFixture) -> None:
    from django.test import Client

    caplog.set_level(logging.INFO)
    response = Client().get("/pdf/jobs", headers={"x-request-id": "0123456789abcdef0123456789abcdef"})
    assert response.headers["X-Request-ID"] == "0123456789abcdef0123456789abcdef"
    assert any(record.getMessage().startswith("GET /pdf/jobs 401") for record in caplog.records)
