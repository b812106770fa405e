"""Whose address a request comes from, and which networks it lies in."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_address(text: str) -> Address:
    """Return `text` as an address, one that is mapped into IPv6 (`::ffff:10.0.0.1`) as IPv4; raise ValueError."""
    address = ipaddress.ip_address(text.strip())
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or ipaddress.IPv6Address(address.packed)  # packed: without a zone index
    return address


def client_address(request: HttpRequest) -> Address | None:
    """Return the caller's address, counting `TRUSTED_PROXIES` entries from the right of X-Forwarded-For.

    Each proxy appends the address that it saw, so with n proxies the caller is the n-th entry from the right; what
    stands further left the caller may have written. A shorter list did not pass all proxies, and is not believed.
    """
    peer = request.META.get("REMOTE_ADDR", "")
    hops: list[str] = [part for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    believed = hops[-settings.TRUSTED_PROXIES] if 0 < settings.TRUSTED_PROXIES <= len(hops) else peer
    try:
        return parse_address(believed)
    except ValueError:
        return None


def client_address_text(request: HttpRequest) -> str:
    """Return `client_address` as text, empty when there is none."""
    return str(client_address(request) or "")


def is_within(address: Address | None, networks: Iterable[str]) -> bool:
    """Say whether `address` lies in one of `networks` (CIDR notation). No address lies in none."""
    if address is None:
        return False
    return any(address in network for network in map(parse_network, networks) if network.version == address.version)


def parse_network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Return `text` as a network, a mapped IPv4 one as IPv4; raise ValueError for anything else, host bits included."""
    network = ipaddress.ip_network(text.strip())
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ipaddress.ip_network((mapped, network.prefixlen - 96))
    return network
