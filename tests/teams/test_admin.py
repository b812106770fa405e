"""Members, keys and teams in the admin, for the admins of a team."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pdfservice.teams.api_keys import api_key_recognise
from pdfservice.teams.models import ApiKey, AuditEvent, Membership, Team, User
from pdfservice.teams.scopes import Role
from tests.conftest import Member

pytestmark = pytest.mark.django_db
MEMBERS = "/admin/teams/membership/"
KEYS = "/admin/teams/apikey/"


def secret_in(page: Any) -> str:
    """Return the secret that a page shows."""
    found = re.search(r'id="secret"[^>]* value="([^"]+)"', page.content.decode())
    assert found
    return found[1]


def test_a_member_is_let_in_with_a_password_that_is_shown_once(alice: Member) -> None:
    page = alice.browser.post(f"{MEMBERS}add/", {"team": alice.team.pk, "username": "dora", "role": "author"})
    assert "no-store" in page.headers["Cache-Control"]
    dora = User.objects.get(username="dora")
    assert dora.check_password(secret_in(page))
    assert dora.is_staff
    assert not dora.is_superuser
    assert Membership.objects.get(user=dora).role == Role.AUTHOR
    assert AuditEvent.objects.filter(action="member.added", actor="user:alice").exists()
    again = alice.browser.get(f"{MEMBERS}{Membership.objects.get(user=dora).pk}/change/").content.decode()
    assert secret_in(page) not in again


def test_somebody_with_a_login_is_let_in_by_a_superuser_alone(
    alice: Member, charlie: Member, admin_client: Any
) -> None:
    fields = {"team": alice.team.pk, "username": "charlie", "role": "viewer"}
    assert b"This user name is taken" in alice.browser.post(f"{MEMBERS}add/", fields).content
    assert not Membership.objects.filter(user=charlie.user, team=alice.team).exists()
    assert admin_client.post(f"{MEMBERS}add/", fields).status_code == 302
    assert Membership.objects.filter(user=charlie.user, team=alice.team).exists()


def test_a_role_changes_and_takes_effect(alice: Member, bob: Member) -> None:
    membership = Membership.objects.get(user=bob.user)
    alice.browser.post(f"{MEMBERS}{membership.pk}/change/", {"role": "admin"})
    membership.refresh_from_db()
    assert membership.role == Role.ADMIN
    assert bob.browser.get(KEYS).status_code == 200
    assert AuditEvent.objects.filter(action="member.changed").exists()


def test_a_team_keeps_an_admin(alice: Member) -> None:
    membership = Membership.objects.get(user=alice.user)
    answer = alice.browser.post(f"{MEMBERS}{membership.pk}/change/", {"role": "viewer"}, follow=True)
    assert b"A team keeps an admin" in answer.content
    alice.browser.post(f"{MEMBERS}{membership.pk}/delete/", {"post": "yes"})
    chosen = {"action": "delete_selected", "_selected_action": [str(membership.pk)], "post": "yes"}
    alice.browser.post(MEMBERS, chosen)
    membership.refresh_from_db()
    assert membership.role == Role.ADMIN


def test_a_member_is_taken_out(alice: Member, bob: Member) -> None:
    membership = Membership.objects.get(user=bob.user)
    alice.browser.post(f"{MEMBERS}{membership.pk}/delete/", {"post": "yes"})
    assert not Membership.objects.filter(user=bob.user).exists()
    assert User.objects.filter(username="bob").exists()
    assert AuditEvent.objects.filter(action="member.removed").exists()


def test_a_key_is_made_shown_once_and_works(alice: Member) -> None:
    page = alice.browser.post(f"{KEYS}add/", {"team": alice.team.pk, "name": "shop", "scopes": ["jobs:read"]})
    text = secret_in(page)
    key = api_key_recognise(text)
    assert key is not None
    assert (key.name, key.scopes) == ("shop", ["jobs:read"])
    shown = alice.browser.get(f"{KEYS}{key.pk}/change/").content.decode() + alice.browser.get(KEYS).content.decode()
    assert text not in shown
    assert key.secret_hash not in shown


def test_a_key_is_revoked_after_a_question_and_never_changed(alice: Member) -> None:
    key = ApiKey.objects.get(team=alice.team)
    chosen = {"action": "revoke", "_selected_action": [str(key.pk)]}
    assert b"cannot be taken back" in alice.browser.post(KEYS, chosen).content
    assert alice.browser.post(f"{KEYS}{key.pk}/change/", {"name": "x"}).status_code == 403
    alice.browser.post(KEYS, {**chosen, "confirmed": "yes"})
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert api_key_recognise(alice.key_text) is None


def test_a_teams_admin_sets_its_days_and_not_its_limits(alice: Member, bob: Member, acme: Team) -> None:
    url = f"/admin/teams/team/{acme.pk}/change/"
    assert bob.browser.post(url, {"name": "x"}).status_code == 403
    alice.browser.post(url, {"name": "Acme Corp", "retention_days": "3", "max_queued": "9", "slug": "x"})
    acme.refresh_from_db()
    assert (acme.name, acme.retention_days, acme.max_queued, acme.slug) == ("Acme Corp", 3, None, "acme")
    assert AuditEvent.objects.filter(action="team.changed", actor="user:alice").exists()
    assert alice.browser.get("/admin/teams/team/add/").status_code == 403


def test_an_admin_sets_name_and_colour_of_the_brand(alice: Member, acme: Team) -> None:
    url = f"/admin/teams/team/{acme.pk}/change/"
    given = {"name": "Acme", "retention_days": "7", "brand_name": "Acme Ltd"}
    assert "six hexadecimal digits" in alice.browser.post(url, {**given, "brand_color": "red"}).content.decode()
    assert alice.browser.post(url, {**given, "brand_color": "#0B6B53"}).status_code == 302
    acme.refresh_from_db()
    assert (acme.brand_name, acme.brand_color) == ("Acme Ltd", "#0B6B53")
