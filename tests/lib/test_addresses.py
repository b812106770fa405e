"""Whose address a request comes from."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import RequestFactory

from pdfservice.lib.addresses import client_address, client_address_text, is_within, parse_address, parse_network


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "1.1.1.1", "9.9.9.9"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (2, "1.1.1.1", "9.9.9.9"),
        (1, "", "9.9.9.9"),
        (1, "not an address", ""),
    ],
)
def test_proxies_are_counted_from_the_right(
    settings: LazySettings, proxies: int, forwarded: str, expected: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", headers={"x-forwarded-for": forwarded}, REMOTE_ADDR="9.9.9.9")
    assert client_address_text(request) == expected


def test_a_unix_socket_has_no_address() -> None:
    assert client_address(RequestFactory().get("/", REMOTE_ADDR="")) is None


@pytest.mark.parametrize(
    ("address", "network", "inside"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("::ffff:10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "::ffff:10.0.0.0/104", True),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db9::1", "2001:db8::/32", False),
        ("2001:db8::1%eth0", "2001:db8::/32", True),
        ("10.1.2.3", "::/0", False),
    ],
)
def test_networks_hold_what_lies_in_them(address: str, network: str, inside: bool) -> None:
    assert is_within(parse_address(address), [network]) is inside


def test_no_address_lies_nowhere() -> None:
    assert not is_within(None, ["0.0.0.0/0"])


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "x", "", "10.0.0.0/255.0.0.0/1"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_network(text)
