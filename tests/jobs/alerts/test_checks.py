"""Alert settings that could not work are found at the start."""

from __future__ import annotations

import pytest
from django.conf import LazySettings

from jobs_app.alerts.checks import alerts_can_go_out


def ids() -> list[str]:
    """Return the ids of what the check finds."""
    return [str(problem.id) for problem in alerts_can_go_out()]


def test_no_alerts_are_no_problem(settings: LazySettings) -> None:
    assert ids() == []


def test_mail_needs_a_server(settings: LazySettings) -> None:
    settings.ALERT_EMAILS, settings.DEFAULT_FROM_EMAIL = ["ops@example.org"], "pdf@example.org"
    assert ids() == ["jobs_app.E011"]
    settings.EMAIL_URL = "console:"
    assert ids() == []


def test_the_default_sender_is_an_address(settings: LazySettings) -> None:
    settings.ALERT_EMAILS, settings.EMAIL_URL = ["ops@example.org"], "console:"
    for sender in ("pdfservice@localhost", "pdfservice@testserver", "pdfservice@127.0.0.1", "pdfservice@pdf.internal"):
        settings.DEFAULT_FROM_EMAIL = sender
        assert ids() == []


@pytest.mark.parametrize("address", ["ops", "Ops <ops@example.org>", "a@b@c", "ops@example.org\nBcc: eve@example.org"])
def test_a_malformed_address_is_found(settings: LazySettings, address: str) -> None:
    settings.ALERT_EMAILS, settings.EMAIL_URL = [address], "console:"
    settings.DEFAULT_FROM_EMAIL = "pdf@example.org"
    assert ids() == ["jobs_app.E012"]


@pytest.mark.parametrize(
    "address", ["hooks.slack.com/x", "ftp://x/y", "https://", "https://x:99999/", "file:///etc/passwd", "http://[x"]
)
def test_a_malformed_webhook_is_found_and_not_quoted(settings: LazySettings, address: str) -> None:
    settings.ALERT_WEBHOOK_URL = address
    assert ids() == ["jobs_app.E013"]
    assert address == "https://" or address not in str(alerts_can_go_out()[0])
    settings.ALERT_WEBHOOK_URL = "https://hooks.slack.com/services/T0/B0/x"
    assert ids() == []
