"""No token ever reaches a log, whatever happens to the request."""

from __future__ import annotations

import io
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client

from downloads_app import views
from downloads_app.services import link_revoke
from pdfservice.lib import storage
from tests.downloads.conftest import Handed


@pytest.fixture(params=["text", "json"])
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What the service writes to its log, with the handler, the filters and the formats of the settings."""
    logging_settings: dict[str, Any] = configured.LOGGING
    stream = io.StringIO()
    stderr = logging_settings["handlers"]["stderr"]
    handler = {**stderr, "formatter": request.param, "stream": stream}
    logging.config.dictConfig({**logging_settings, "handlers": {"stderr": handler}})
    yield stream
    logging.config.dictConfig(logging_settings)


@pytest.mark.parametrize("what", ["look", "download", "refused", "wrong", "broken", "away", "crash"])
def test_the_log_names_the_request_but_not_its_token(
    log: io.StringIO,
    handed: Handed,
    what: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Client(raise_request_exception=False)
    match what:
        case "look":
            client.get(handed.page)
        case "download":
            client.get(handed.download).getvalue()
        case "refused":
            link_revoke(link=handed.link, actor="user:alice")
            client.get(handed.download)
        case "wrong":
            client.get(f"/d/{handed.token[::-1]}")
        case "broken":
            client.get(f"{handed.page}/x")
        case "away":
            storage.delete(handed.link.file.key)
            client.post(handed.page)
        case "crash":
            monkeypatch.setattr(views, "link_peek", _crash)
            client.get(handed.page)
    lines = log.getvalue()
    assert "/d/***" in lines
    assert handed.token not in lines
    assert handed.token[::-1] not in lines


def _crash(*, token: str, **_: Any) -> None:
    raise RuntimeError(f"https://pdf.example.com/d/{token} went wrong")
