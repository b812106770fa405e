"""API keys."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from pdfservice.teams.api_keys import api_key_create, api_key_recognise, api_key_revoke
from pdfservice.teams.models import ApiKey, AuditEvent, Membership, Team, User
from pdfservice.teams.scopes import PROGRAM_SCOPES, Scope
from tests.conftest import Member


def test_a_key_is_recognised_and_only_its_hash_is_kept(acme: Team) -> None:
    key, text = api_key_create(team=acme, name="shop", actor="test")
    assert api_key_recognise(text) == key
    secret = text.split("_", 2)[2]
    stored = ApiKey.objects.filter(pk=key.pk).values().get()
    assert secret not in str(stored)
    assert secret not in str(AuditEvent.objects.values())
    assert key.granted() == frozenset(PROGRAM_SCOPES)


@pytest.mark.parametrize("broken", ["", "pdf", "pdf__", "pdf_x_y", "pdf_abcdefgh_", "pdf_abcdefgh_secret", "ü_ü_ü"])
def test_nonsense_opens_nothing(acme: Team, broken: str) -> None:
    assert api_key_recognise(broken) is None


def test_a_revoked_or_expired_key_opens_nothing(acme: Team) -> None:
    key, text = api_key_create(team=acme, name="shop", actor="test")
    assert api_key_revoke(key=key, actor="test")
    assert not api_key_revoke(key=key, actor="test")
    assert api_key_recognise(text) is None
    _, text = api_key_create(team=acme, name="old", actor="test", expires_at=timezone.now() - timedelta(seconds=1))
    assert api_key_recognise(text) is None
    assert list(AuditEvent.objects.values_list("action", flat=True)) == [
        "api_key.created",
        "api_key.revoked",
        "api_key.created",
    ]


def test_the_last_use_is_noted_at_most_once_a_minute(acme: Team) -> None:
    key, text = api_key_create(team=acme, name="shop", actor="test")
    api_key_recognise(text)
    key.refresh_from_db()
    first = key.last_used_at
    assert first is not None
    api_key_recognise(text)
    key.refresh_from_db()
    assert key.last_used_at == first
    ApiKey.objects.update(last_used_at=first - timedelta(minutes=2))
    api_key_recognise(text)
    key.refresh_from_db()
    assert key.last_used_at is not None
    assert key.last_used_at >= first


def test_a_scope_that_is_no_more_grants_nothing(acme: Team) -> None:
    key, _ = api_key_create(team=acme, name="shop", actor="test")
    key.scopes = ["jobs:read", "coffee:make"]
    assert key.granted() == {Scope.JOBS_READ}


def test_a_team_is_made_by_command_with_its_key_alone_on_the_last_line(
    db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("create_team", "shop", "--user", "sam", "--role", "admin", "--scope", "jobs:write")
    output = capsys.readouterr()
    key = api_key_recognise(output.out.splitlines()[-1])
    assert key is not None
    assert (key.team.slug, key.scopes) == ("shop", ["jobs:write"])
    assert Membership.objects.get().role == "admin"
    password = output.err.split()[-1]
    assert User.objects.get(username="sam").check_password(password)
    call_command("create_team", "shop", "--user", "sam", "--role", "viewer")
    assert Membership.objects.get().role == "viewer"
    assert ApiKey.objects.count() == 2


def test_a_slug_that_is_none_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="not a slug"):
        call_command("create_team", "no slug!")


def test_a_member_of_two_teams_names_one(alice: Member, umbrella: Team) -> None:
    Membership.objects.create(user=alice.user, team=umbrella, role="viewer")
    browser = alice.browser
    assert browser.get("/pdf/jobs").status_code == 400
    assert browser.get("/pdf/jobs", headers={"x-team": "umbrella"}).status_code == 200
    assert browser.get("/pdf/jobs", headers={"x-team": "nobody"}).status_code == 404
    refused = browser.post("/pdf/generate", {}, format="json", headers={"x-team": "umbrella"})
    assert refused.status_code == 403


def test_a_member_of_no_team_is_refused(alice: Member) -> None:
    Membership.objects.all().delete()
    assert alice.browser.get("/pdf/jobs").status_code == 403


def test_a_session_needs_a_csrf_token(alice: Member) -> None:
    from rest_framework.test import APIClient

    client = APIClient(enforce_csrf_checks=True)
    client.force_login(alice.user, backend="django.contrib.auth.backends.ModelBackend")
    response = client.post("/pdf/generate", {}, format="json")
    assert (response.status_code, response.headers["Content-Type"]) == (403, "application/problem+json")
