"""/pdf/templates and /pdf/templates/{slug}"""

from __future__ import annotations

from typing import Any

import pytest

from pdfservice.teams.models import AuditEvent
from pdfservice.teams.scopes import Role
from templates_app.models import Template
from tests.conftest import Member, client_with, member
from tests.templates.conftest import Author

URL = "/pdf/templates"
BODY = {"slug": "invoice", "name": "Invoice"}


def test_a_template_is_made_listed_and_shown(alice: Member) -> None:
    response = alice.api.post(URL, BODY, format="json")
    assert response.status_code == 201
    shown = response.json()
    assert {**shown, "created_at": ""} == {
        "slug": "invoice",
        "name": "Invoice",
        "active_version": None,
        "retention_days": None,
        "created_at": "",
    }
    assert alice.api.get(URL).json()["results"] == [shown]
    assert alice.api.get(f"{URL}/invoice").json() == shown
    event = AuditEvent.objects.get(action="template.created")
    assert (event.actor, event.data) == (alice.caller.actor, {"template": "invoice"})


def test_the_active_version_is_shown(author: Author) -> None:
    author.published()
    assert author.get().json()["active_version"] == 1


def test_a_slug_is_taken_once_in_a_team(alice: Member, charlie: Member) -> None:
    assert alice.api.post(URL, BODY, format="json").status_code == 201
    assert charlie.api.post(URL, BODY, format="json").status_code == 201
    again = alice.api.post(URL, BODY, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "slug_taken")
    assert Template.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/slug", "/name"}),
        ({**BODY, "slug": "a b"}, {"/slug"}),
        ({**BODY, "retention_days": 0, "colour": 1}, {"/retention_days", "/colour"}),
        ([], {""}),
    ],
)
def test_a_malformed_template_is_400(alice: Member, body: Any, pointers: set[str]) -> None:
    response = alice.api.post(URL, body, format="json")
    assert response.status_code == 400
    assert {fault["pointer"] for fault in response.json()["errors"]} == pointers
    assert not Template.objects.exists()


def test_another_teams_templates_are_not_there(author: Author, charlie: Member) -> None:
    assert charlie.api.get(URL).json()["results"] == []
    assert charlie.api.get(f"{URL}/letter").status_code == 404
    assert author.member.api.get(f"{URL}/nothing").status_code == 404


def test_reading_and_writing_need_their_scopes(alice: Member, bob: Member) -> None:
    assert client_with("").get(URL).status_code == 401
    assert bob.api.get(URL).status_code == 200
    response = bob.api.post(URL, BODY, format="json")
    assert (response.status_code, response.json()["code"]) == (403, "missing_scope")
    assert member("ann", alice.team, Role.AUTHOR).api.post(URL, BODY, format="json").status_code == 201
    assert member("olga", alice.team, Role.OPERATOR).api.post(URL, BODY, format="json").status_code == 403


def test_other_methods_are_refused(author: Author) -> None:
    assert author.member.api.delete(URL).status_code == 405
    assert author.member.api.post(author.url, {}, format="json").status_code == 405
