"""How often keys, members and strangers may call, and what they are told about it."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from rest_framework.test import APIClient

from pdfservice.lib import rates
from pdfservice.lib.tokens import new_token
from pdfservice.teams.models import Membership, Team
from pdfservice.teams.scopes import Role
from tests.conftest import Member, client_with, member

pytestmark = pytest.mark.django_db
URL = "/pdf/jobs"


@pytest.fixture(autouse=True)
def _half_past(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the clock to the middle of its minute: windows begin with one, and no test shall fall into two."""
    real = time.time
    ahead = rates.WINDOW_SECONDS / 2 - real() % rates.WINDOW_SECONDS
    monkeypatch.setattr(time, "time", lambda: real() + ahead)


def limit_team(team: Team, per_minute: int) -> None:
    """Let each key of `team` call so often."""
    team.requests_per_minute = per_minute
    team.save()


def statuses(client: Any, calls: int, url: str = URL, **more: Any) -> list[int]:
    """Call so often and return the statuses."""
    return [client.get(url, **more).status_code for _ in range(calls)]


def test_a_key_that_calls_too_often_is_told_how_long_to_wait(alice: Member) -> None:
    limit_team(alice.team, 2)
    assert statuses(alice.api, 2) == [200, 200]
    response = alice.api.get(URL)
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert response.headers["Content-Type"] == "application/problem+json"
    seconds = int(response.headers["Retry-After"])
    assert 1 <= seconds <= 60
    assert response.json()["detail"] == (
        f"At most 2 requests a minute are taken from this key or member. Wait {seconds} s."
    )


def test_every_answer_says_where_the_caller_stands(alice: Member) -> None:
    limit_team(alice.team, 3)
    for remaining in (2, 1, 0, 0):
        headers = alice.api.get(URL).headers
        assert (headers["RateLimit-Limit"], headers["RateLimit-Remaining"]) == ("3", str(remaining))
        seconds = headers["RateLimit-Reset"]
        assert 1 <= int(seconds) <= 60
        assert headers["RateLimit-Policy"] == '"caller";q=3;w=60'
        assert headers["RateLimit"] == f'"caller";r={remaining};t={seconds}'
    assert headers["Retry-After"] == headers["RateLimit-Reset"]


@pytest.mark.parametrize("url", ["/pdf/jobs/8f14e45f-ceea-467f-a9d3-c0b0f0a8e5c1", "/pdf/jobs?colour=red"])
def test_refused_calls_count_too(alice: Member, url: str) -> None:
    limit_team(alice.team, 2)
    assert statuses(alice.api, 3, url)[2] == 429


def test_calls_without_the_scope_count_too(bob: Member) -> None:
    limit_team(bob.team, 2)
    answers = [bob.api.post("/pdf/generate", {}, format="json").status_code for _ in range(3)]
    assert answers == [403, 403, 429]


def test_each_key_of_a_team_has_its_own_rate(alice: Member, bob: Member) -> None:
    limit_team(alice.team, 1)
    assert statuses(alice.api, 2) == [200, 429]
    bob.team.refresh_from_db()
    assert statuses(bob.api, 2) == [200, 429]


def test_another_teams_limit_is_its_own(alice: Member, charlie: Member, settings: LazySettings) -> None:
    limit_team(alice.team, 1)
    settings.REQUESTS_PER_MINUTE = 3
    assert statuses(alice.api, 2) == [200, 429]
    assert statuses(charlie.api, 4) == [200, 200, 200, 429]


def test_a_limit_of_nought_lets_nobody_in(alice: Member) -> None:
    limit_team(alice.team, 0)
    response = alice.api.get(URL)
    assert (response.status_code, response.headers["RateLimit-Remaining"]) == (429, "0")


def test_a_member_in_a_session_has_a_rate_of_their_own_in_each_team(alice: Member, umbrella: Team) -> None:
    Membership.objects.create(user=alice.user, team=umbrella, role=Role.VIEWER)
    for team in (alice.team, umbrella):
        limit_team(team, 1)
    assert statuses(alice.api, 2) == [200, 429]
    assert statuses(alice.browser, 2, headers={"X-Team": "acme"}) == [200, 429]
    assert statuses(alice.browser, 2, headers={"X-Team": "umbrella"}) == [200, 429]


@pytest.mark.parametrize("key", ["", "pdf_", "nonsense", f"pdf_aaaaaaaa_{new_token()}"])
def test_strangers_are_limited_by_address(settings: LazySettings, key: str) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 2
    client = client_with(key) if key else APIClient()
    assert statuses(client, 2) == [401, 401]
    response = client.get(URL)
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert response.headers["RateLimit-Policy"] == '"address";q=2;w=60'
    assert response.headers["Retry-After"] == response.headers["RateLimit-Reset"]
    assert statuses(client, 1, REMOTE_ADDR="198.51.100.7") == [401]


def test_a_right_key_is_taken_whatever_wrong_ones_come_from_the_same_address(
    alice: Member, settings: LazySettings
) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 1
    assert statuses(client_with("wrong"), 2) == [401, 429]
    assert statuses(alice.api, 3) == [200, 200, 200]


def test_a_right_key_with_a_wrong_secret_takes_nothing_from_the_key(alice: Member, settings: LazySettings) -> None:
    limit_team(alice.team, 1)
    settings.UNAUTHENTICATED_PER_MINUTE = 100
    assert statuses(client_with(alice.key_text[:-1] + "~"), 3) == [401] * 3
    assert statuses(alice.api, 1) == [200]


def test_the_address_behind_proxies_is_the_one_that_they_saw(settings: LazySettings) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE, settings.TRUSTED_PROXIES = 1, 1
    client = APIClient()
    assert statuses(client, 2, headers={"X-Forwarded-For": "203.0.113.1"}) == [401, 429]
    assert statuses(client, 1, headers={"X-Forwarded-For": "203.0.113.2"}) == [401]
    # What stands further left the caller wrote.
    assert statuses(client, 1, headers={"X-Forwarded-For": "192.0.2.55, 203.0.113.2"}) == [429]


def test_without_trusted_proxies_a_caller_cannot_choose_their_address(settings: LazySettings) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE, settings.TRUSTED_PROXIES = 1, 0
    answers = [statuses(APIClient(), 1, headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(2)]
    assert answers == [[401], [429]]


def test_all_addresses_of_one_ipv6_network_are_one(settings: LazySettings) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 1
    assert statuses(APIClient(), 1, REMOTE_ADDR="2001:db8:1:2::1") == [401]
    assert statuses(APIClient(), 1, REMOTE_ADDR="2001:db8:1:2:ffff::9") == [429]
    assert statuses(APIClient(), 1, REMOTE_ADDR="2001:db8:1:3::1") == [401]


def test_the_openapi_document_is_limited_by_address(settings: LazySettings) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 1
    assert statuses(Client(), 2, "/api/schema/") == [200, 429]


@pytest.mark.parametrize("url", ["/healthz", "/readyz"])
def test_health_checks_are_not_limited(settings: LazySettings, url: str) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 1
    assert statuses(Client(), 3, url) == [200] * 3


def test_while_redis_is_away_callers_are_counted_here_and_it_is_not_asked_each_time(
    alice: Member, settings: LazySettings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as nobody:  # bound, but nobody listens
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setattr(rates, "_resting_until", 0.0)
        settings.REDIS_URL = f"redis://127.0.0.1:{nobody.getsockname()[1]}/0"
        limit_team(alice.team, 2)
        assert statuses(alice.api, 3) == [200, 200, 429]
    assert len([line for line in caplog.messages if line.startswith("Redis is away")]) == 1
    rates._in_redis.cache_clear()


def test_a_new_member_is_not_charged_for_another(alice: Member) -> None:
    limit_team(alice.team, 1)
    olivia = member("olivia", alice.team, Role.OPERATOR)
    assert [statuses(each.browser, 2) for each in (alice, olivia)] == [[200, 429]] * 2
