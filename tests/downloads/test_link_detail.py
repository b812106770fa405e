"""`DELETE /pdf/links/{id}`."""

from __future__ import annotations

import uuid

import pytest
from rest_framework.test import APIClient

from downloads_app.models import DownloadLink
from pdfservice.teams.scopes import Role, Scope
from tests.conftest import Member, member
from tests.downloads.conftest import Handed, events, expire


def _path(handed: Handed) -> str:
    return f"/pdf/links/{handed.link.external_id}"


def _is_revoked(handed: Handed) -> bool:
    return DownloadLink.objects.get(pk=handed.link.pk).revoked_at is not None


def test_a_link_is_withdrawn(alice: Member, handed: Handed) -> None:
    response = alice.api.delete(_path(handed))
    assert (response.status_code, response.content, _is_revoked(handed)) == (204, b"", True)
    (event,) = events(handed.link, "link.revoked")
    assert (event.team, event.actor) == (alice.team, alice.caller.actor)
    assert APIClient().get(handed.page).status_code == 410


def test_withdrawing_again_changes_nothing(alice: Member, handed: Handed) -> None:
    alice.api.delete(_path(handed))
    revoked_at = DownloadLink.objects.get().revoked_at
    assert alice.api.delete(_path(handed)).status_code == 204
    assert DownloadLink.objects.get().revoked_at == revoked_at
    assert len(events(handed.link, "link.revoked")) == 1


def test_an_expired_link_can_be_withdrawn(alice: Member, handed: Handed) -> None:
    expire(handed.link)
    assert alice.api.delete(_path(handed)).status_code == 204


def test_a_member_in_a_session_needs_a_csrf_token(alice: Member, handed: Handed) -> None:
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(alice.user, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.delete(_path(handed)).status_code == 403
    assert alice.browser.delete(_path(handed)).status_code == 204


@pytest.mark.parametrize("method", ["get", "post", "put", "patch"])
def test_other_methods_answer_405(alice: Member, handed: Handed, method: str) -> None:
    response = getattr(alice.api, method)(_path(handed))
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert "DELETE" in response["Allow"]
    assert not _is_revoked(handed)


@pytest.mark.parametrize("link_id", [str(uuid.uuid4()), "1", "not-a-uuid", "x" * 43])
def test_a_link_that_is_not_there_answers_404(alice: Member, handed: Handed, link_id: str) -> None:
    response = alice.api.delete(f"/pdf/links/{link_id}")
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


def test_a_token_is_no_id(alice: Member, handed: Handed) -> None:
    assert alice.api.delete(f"/pdf/links/{handed.token}").status_code == 404


def test_another_teams_link_is_not_there(charlie: Member, handed: Handed) -> None:
    for client in (charlie.api, charlie.browser):
        response = client.delete(_path(handed))
        nowhere = client.delete(f"/pdf/links/{uuid.uuid4()}")
        assert (response.status_code, response.json()) == (404, nowhere.json())
    assert not _is_revoked(handed)
    assert not events(handed.link, "link.revoked")


def test_nobody_answers_401(handed: Handed) -> None:
    response = APIClient().delete(_path(handed))
    assert (response.status_code, response["WWW-Authenticate"][:6]) == (401, "Bearer")
    assert not _is_revoked(handed)


def test_a_viewer_is_not_allowed(bob: Member, handed: Handed) -> None:
    for client in (bob.api, bob.browser):
        response = client.delete(_path(handed))
        assert (response.status_code, response.json()["code"]) == (403, "missing_scope")
    assert not _is_revoked(handed)


def test_the_scope_alone_suffices(alice: Member, handed: Handed) -> None:
    dora = member("dora", alice.team, Role.VIEWER, [Scope.LINKS_WRITE])
    assert dora.api.delete(_path(handed)).status_code == 204
