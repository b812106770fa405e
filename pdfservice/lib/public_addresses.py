"""Which addresses belong to everybody's internet, and not to somebody's inside."""

from __future__ import annotations

import ipaddress

from pdfservice.lib.addresses import Address

# Beyond what the ipaddress module knows to be special.
_SPECIAL_IPV4 = [
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers; a cloud's metadata too
        "168.63.129.16/32",  # Azure's inner services, at an address that looks public
        "192.0.0.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "198.18.0.0/15",
        "240.0.0.0/4",
    )
]
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_SPECIAL_IPV6 = [
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # Teredo, benchmarks, ORCHID and the like
        "2001:db8::/32",
        "2002::/16",  # 6to4 leads to any IPv4 address
        "3fff::/20",
    )
]


def is_public(address: Address) -> bool:
    """Say whether `address` is one host of the public internet.

    Not private, loopback, link-local (the metadata services of clouds among them), multicast or reserved; of IPv6 only
    global unicast, and none that leads on to an IPv4 address: mapped, compatible, 6to4, NAT64, Teredo.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address not in _GLOBAL_UNICAST or any(address in network for network in _SPECIAL_IPV6):
            return False
    elif any(address in network for network in _SPECIAL_IPV4):
        return False
    return address.is_global and not address.is_multicast
