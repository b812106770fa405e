"""Which pages may open a socket: browsers send cookies along from anywhere, so `Origin` has to be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import validate_host

_PORTS = {"http": 80, "https": 443}


def may_connect(headers: Mapping[bytes, bytes]) -> bool:
    """Say whether a handshake comes from a page of ours: of PUBLIC_URL, or of the very host that it asks.

    Unlike a cookie, an origin has a port: what else runs on this host is not us.
    """
    origin = headers.get(b"origin", b"").decode("latin-1")
    host = headers.get(b"host", b"").decode("latin-1")
    if _place(origin) is None:
        return False
    if _place(origin) == _place(settings.PUBLIC_URL):
        return True
    name, port = (urlsplit(f"//{host}").hostname or ""), _port_of(host)
    if not validate_host(f"[{name}]" if ":" in name else name, settings.ALLOWED_HOSTS):
        return False
    scheme = urlsplit(origin).scheme
    return _place(origin) == (scheme, name, port or _PORTS.get(scheme))


def _place(address: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/"):
        return None
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme]


def _port_of(host: str) -> int | None:
    try:
        return urlsplit(f"//{host}").port
    except ValueError:
        return None
