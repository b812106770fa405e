"""What may be said about a new link, and how links are shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from downloads_app.api import link_representation
from downloads_app.serializers import LinkRequestSerializer, LinkSerializer
from pdfservice.lib.problems import as_service_error, problem_body
from tests.downloads.conftest import Handed


def _faults(body: Any) -> dict[str, str]:
    serializer = LinkRequestSerializer(data=body)
    assert not serializer.is_valid()
    try:
        serializer.is_valid(raise_exception=True)
    except Exception as error:
        refusal = as_service_error(error)
        assert refusal is not None
        assert refusal.status == 400
        return {fault["pointer"]: fault["message"] for fault in problem_body(refusal)["errors"]}
    raise AssertionError


def test_nothing_said_means_once_for_a_quarter_of_an_hour_from_anywhere() -> None:
    serializer = LinkRequestSerializer(data={})
    assert serializer.is_valid()
    assert serializer.validated_data == {
        "ttl_seconds": 900,
        "max_uses": 1,
        "ip_whitelist": [],
        "preview": False,
        "delivery": "stream",
    }


@pytest.mark.parametrize("body", [{"ttl_seconds": 1, "max_uses": 1}, {"ttl_seconds": 2_592_000, "max_uses": 1000}])
def test_the_bounds_are_allowed(body: dict[str, int]) -> None:
    assert LinkRequestSerializer(data=body).is_valid()


def test_every_fault_is_named_at_once() -> None:
    faults = _faults(
        {"ttl_seconds": 0, "max_uses": 1001, "ip_whitelist": ["10.0.0.0/8", "10.0.0.1/8", 7], "max_use": 1, "a/b": 2}
    )
    assert sorted(faults) == ["/a~1b", "/ip_whitelist/1", "/ip_whitelist/2", "/max_use", "/max_uses", "/ttl_seconds"]
    assert faults["/max_use"] == "There is no such field. Did you mean max_uses?"
    assert faults["/a~1b"] == "There is no such field."
    assert "10.0.0.1/8 has host bits set" in faults["/ip_whitelist/1"]


@pytest.mark.parametrize(
    "body",
    [
        {"ttl_seconds": 2_592_001},
        {"ttl_seconds": "soon"},
        {"ttl_seconds": None},
        {"ttl_seconds": 1.5},
        {"ttl_seconds": True},
        {"max_uses": 0},
        {"max_uses": -1},
        {"max_uses": []},
        {"ip_whitelist": "10.0.0.0/8"},
        {"ip_whitelist": {}},
        {"ip_whitelist": ["10.0.0.0/8"] * 101},
        {"delivery": "pigeon"},
    ],
)
def test_what_is_malformed_is_refused_where_it_stands(body: dict[str, Any]) -> None:
    assert list(_faults(body)) == [f"/{name}" for name in body]


@pytest.mark.parametrize(
    "network", ["", "10.0.0.0/33", "example.com", "10.0.0.0/8, 11.0.0.0/8", "fe80::1%eth0/64", "*"]
)
def test_what_is_no_network_is_refused(network: str) -> None:
    assert list(_faults({"ip_whitelist": [network]})) == ["/ip_whitelist/0"]


@pytest.mark.parametrize("body", [[], "x", None, 7])
def test_what_is_no_object_is_refused(body: Any) -> None:
    assert list(_faults(body)) == [""]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("10.0.0.7", "10.0.0.7/32"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        (" 10.0.0.0/8 ", "10.0.0.0/8"),
    ],
)
def test_networks_are_kept_in_their_usual_spelling(given: str, kept: str) -> None:
    serializer = LinkRequestSerializer(data={"ip_whitelist": [given]})
    assert serializer.is_valid()
    assert serializer.validated_data["ip_whitelist"] == [kept]


def test_a_link_shows_its_addresses_only_with_the_token(handed: Handed, settings: LazySettings) -> None:
    settings.PUBLIC_URL = "https://pdf.example.com"
    with_token = link_representation(handed.link, handed.token)
    assert with_token["url"] == f"https://pdf.example.com/d/{handed.token}"
    assert with_token["download_url"] == f"https://pdf.example.com/d/{handed.token}/file"
    without = link_representation(handed.link)
    assert without == {name: value for name, value in with_token.items() if name not in ("url", "download_url")}
    assert without == {
        "id": str(handed.link.external_id),
        "expires_at": handed.link.expires_at.isoformat().replace("+00:00", "Z"),
        "max_uses": 1,
        "use_count": 0,
        "ip_whitelist": [],
        "delivery": "stream",
        "preview": False,
        "created_at": handed.link.created_at.isoformat().replace("+00:00", "Z"),
        "revoked_at": None,
    }


def test_the_shape_is_what_openapi_describes(handed: Handed) -> None:
    handed.link.revoked_at = timezone.now()
    assert set(link_representation(handed.link, handed.token)) == set(LinkSerializer().fields)
