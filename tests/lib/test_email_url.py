"""EMAIL_URL: one address for a mail server."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from pdfservice.lib.email_url import email_settings


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp://mail.example.org", 25, False, False),
        ("smtp+tls://mail.example.org", 587, True, False),
        ("smtps://mail.example.org/", 465, False, True),
        ("smtps://mail.example.org:2465", 2465, False, True),
    ],
)
def test_the_scheme_says_how_to_encrypt(url: str, port: int, tls: bool, ssl: bool) -> None:
    said = email_settings(url)
    assert (said["EMAIL_HOST"], said["EMAIL_PORT"]) == ("mail.example.org", port)
    assert (said["EMAIL_USE_TLS"], said["EMAIL_USE_SSL"]) == (tls, ssl)
    assert said["EMAIL_TIMEOUT"] == 10


def test_user_and_password_may_hold_anything_quoted() -> None:
    said = email_settings("smtp+tls://ops%40example.org:p%3A%2F%40ss@mail.example.org")
    assert (said["EMAIL_HOST_USER"], said["EMAIL_HOST_PASSWORD"]) == ("ops@example.org", "p:/@ss")


def test_without_one_nothing_is_sent_and_console_prints() -> None:
    assert email_settings("")["EMAIL_BACKEND"].endswith("dummy.EmailBackend")
    assert email_settings("console:")["EMAIL_BACKEND"].endswith("console.EmailBackend")


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org",
        "http://u:hidden@mail.example.org",
        "smtp://",
        "smtp://u:hidden@mail.example.org/path",
        "smtp://u:hidden@mail.example.org?tls=1",
        "smtp://u:hidden@mail.example.org:port",
        "smtp://u:hidden@mail.example.org:99999",
        "smtp://:hidden@mail.example.org",
        "smtp://user@mail.example.org",
        "smtp://u:hidden@[mail",
        "console",
    ],
)
def test_anything_else_is_refused_without_quoting_the_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL") as refused:
        email_settings(url)
    assert "hidden" not in str(refused.value)
