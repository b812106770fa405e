"""Settings of alerts that would fail only when the alert is needed."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


@register()
def alerts_can_go_out(**_: Any) -> list[CheckMessage]:
    """Refuse addresses that nothing can be sent to."""
    return [*_mail_problems(), *_webhook_problems()]


def _mail_problems() -> list[CheckMessage]:
    if not settings.ALERT_EMAILS:
        return []
    problems: list[CheckMessage] = []
    if not settings.EMAIL_URL:
        problems.append(
            Error(
                "ALERT_EMAILS is set, but there is no mail server to send by.",
                hint="Set EMAIL_URL, for example smtp+tls://user:password@mail.example.org:587.",
                id="jobs_app.E011",
            )
        )
    named = {"ALERT_EMAILS": settings.ALERT_EMAILS, "EMAIL_FROM": [settings.DEFAULT_FROM_EMAIL]}
    for name, addresses in named.items():
        problems += [
            Error(
                f"{name} holds {address!r}, which is no mail address.",
                hint="Write plain addresses, several in ALERT_EMAILS with commas between them: ops@example.org.",
                id="jobs_app.E012",
            )
            for address in addresses
            if not _is_address(address)
        ]
    return problems


def _webhook_problems() -> list[CheckMessage]:
    if not settings.ALERT_WEBHOOK_URL or _is_web_address(settings.ALERT_WEBHOOK_URL):
        return []
    return [
        Error(  # does not quote it: the address of a webhook is a secret
            "ALERT_WEBHOOK_URL is no web address.",
            hint="Copy the whole address that Slack or its kin gave you; it begins with https://.",
            id="jobs_app.E013",
        )
    ]


def _is_address(text: str) -> bool:
    host = text.rpartition("@")[2]
    # Hosts without a dot are common inside a network, and what PUBLIC_URL's default gives to the sender.
    plain = [host] if _HOST.fullmatch(host) else []
    try:
        EmailValidator(allowlist=plain)(text)
    except ValidationError:
        return False
    return True


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and text.isprintable()
    except ValueError:
        return False
