"""The mail server as one address: smtp://user:password@host:port, smtp+tls://…, smtps://…, or console:"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_TIMEOUT_SECONDS = 10
_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
_SHAPE = "it must be smtp://, smtp+tls:// or smtps://user:password@host:port, or console:"


def email_settings(url: str) -> dict[str, Any]:
    """Return Django's EMAIL_… settings for `url`; an empty one sends no mail. Raises ImproperlyConfigured.

    The password may be in it, so that no message quotes it.
    """
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    if url == "console:":
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"EMAIL_URL cannot be read; {_SHAPE}.") from error
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ImproperlyConfigured(f"EMAIL_URL is no address of a mail server; {_SHAPE}.")
    if bool(parts.username) != bool(parts.password):
        raise ImproperlyConfigured("EMAIL_URL has a user without a password, or a password without a user.")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or _PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": _TIMEOUT_SECONDS,
    }
