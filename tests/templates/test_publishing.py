"""Publish, activate, retire: a version's way, and what is recorded of it."""

from __future__ import annotations

from typing import Any

import pytest

from pdfservice.teams.models import AuditEvent
from templates_app.authoring import publishing
from templates_app.models import Template, TemplateVersion
from tests.conftest import Member
from tests.templates.conftest import Author, codes

STRICT = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
STRICTER = {**STRICT, "required": ["name", "age"]}
OLD = {"sample_payload": {"name": "Ada", "age": 36}}


def generate(author: Author, **body: Any) -> Any:
    """Ask for a document."""
    wish = {"template": "letter", "payload": {"name": "Ada"}, **body}
    return author.member.api.post("/pdf/generate", wish, format="json")


def test_a_published_version_is_active_and_frozen_and_its_hash_known(author: Author) -> None:
    shown = author.publish(author.draft()).json()
    assert (shown["status"], shown["is_active"], shown["findings"]) == ("published", True, [])
    assert len(shown["content_hash"]) == 64
    assert shown["published_at"]
    event = AuditEvent.objects.get(action="version.published")
    assert event.actor == author.member.caller.actor
    assert event.data == {
        "template": "letter",
        "version": 1,
        "content_hash": shown["content_hash"],
        "warnings": 0,
        "allowed_breaking": [],
    }
    assert generate(author).json()["version"] == 1


def test_equal_versions_have_equal_hashes_and_others_others(author: Author) -> None:
    hashes = []
    for fields in (
        {},
        {"note": "only a note"},
        {"css_source": "p{}"},
        {"resource_policy": "fail"},
        {"partials": {"a": "b"}},
    ):
        author.published(**fields)
        hashes.append(TemplateVersion.objects.latest("pk").content_hash)
    assert len(set(hashes)) == 4
    assert hashes[0] == hashes[1]


def test_publishing_without_activating_leaves_the_active_one(author: Author) -> None:
    author.published()
    author.publish(author.draft(), activate=False)
    assert author.get().json()["active_version"] == 1
    assert generate(author).json()["version"] == 1
    assert generate(author, version=2).json()["version"] == 2


def test_activating_an_older_version_is_a_rollback(author: Author) -> None:
    author.published()
    author.published(title="second")
    response = author.post("/versions/1/activate")
    assert (response.status_code, response.json()["is_active"]) == (200, True)
    assert generate(author).json()["version"] == 1
    event = AuditEvent.objects.filter(action="version.activated").latest("pk")
    assert event.data == {"template": "letter", "version": 1, "instead_of": 2}
    author.post("/versions/1/activate")
    assert AuditEvent.objects.filter(action="version.activated").count() == 3, "doing so again changes nothing"


def test_a_retired_version_takes_no_new_jobs_and_those_it_has_keep_it(author: Author) -> None:
    author.published()
    job = generate(author).json()
    author.published(title="second")
    response = author.post("/versions/1/retire")
    assert (response.status_code, response.json()["status"]) == (200, "retired")
    refused = generate(author, version=1)
    assert (refused.status_code, refused.json()["code"]) == (409, "version_retired")
    assert author.member.api.get(f"/pdf/jobs/{job['id']}").json()["version"] == 1
    assert AuditEvent.objects.filter(action="version.retired").count() == 1


def test_what_the_state_does_not_allow_is_409(author: Author) -> None:
    author.published()
    author.draft()
    author.published()
    author.post("/versions/1/retire")
    for path, code in (
        ("/versions/2/activate", "not_published"),
        ("/versions/2/retire", "not_published"),
        ("/versions/1/activate", "not_published"),
        ("/versions/1/retire", "not_published"),
        ("/versions/3/retire", "version_active"),
        ("/versions/1/publish", "version_frozen"),
    ):
        response = author.post(path)
        assert (response.status_code, response.json()["code"]) == (409, code), path
    assert author.get().json()["active_version"] == 3


def test_errors_refuse_with_every_finding_and_change_nothing(author: Author) -> None:
    version = author.draft(
        html_source="<img src='asset:logo.png'>\n{% include 'nothing' ignore missing %}<p>{{ name }}{{ nix }}",
        css_source="\n p { font-family: Nowhere }",
        payload_schema=STRICTER,
    )
    response = author.publish(version)
    assert (response.status_code, response.headers["Content-Type"]) == (422, "application/problem+json")
    problem = response.json()
    assert problem["code"] == "publish_refused"
    assert codes(problem["findings"]) == [
        "error font_missing",
        "error asset_missing",
        "error sample_error",
        "error sample_unfit",
    ]
    assert {fault["pointer"] for fault in problem["errors"]} == {"/css_source", "/html_source", "/sample_payload"}
    places = {f["code"]: (f["file"], f["line"], f["column"]) for f in problem["findings"]}
    assert places["font_missing"] == ("css_source", 2, 19)
    assert places["asset_missing"] == ("html_source", 1, 11)
    assert places["sample_error"][:2] == ("html_source", 2)
    assert author.get("/versions/1").json()["status"] == "draft"
    assert author.get().json()["active_version"] is None
    assert not AuditEvent.objects.filter(action="version.published").exists()


def test_warnings_are_recorded_with_the_version(author: Author) -> None:
    rows = "<tr><td>x</td></tr>" * 40
    shown = author.publish(author.draft(html_source=f"<table>{rows}</table>")).json()
    assert codes(shown["findings"]) == ["warning table_without_head"]
    assert TemplateVersion.objects.get().findings == shown["findings"]
    assert AuditEvent.objects.get(action="version.published").data["warnings"] == 1


def test_a_schema_that_breaks_callers_is_refused_until_the_author_insists(author: Author) -> None:
    author.published(payload_schema=STRICT)
    version = author.draft(payload_schema=STRICTER, **OLD)
    refused = author.publish(version)
    assert (refused.status_code, codes(refused.json()["findings"])) == (422, ["error schema_breaking"])
    shown = author.publish(version, allow_breaking=True).json()
    assert codes(shown["findings"]) == ["warning schema_breaking"]
    event = AuditEvent.objects.filter(action="version.published").latest("pk")
    assert event.data["allowed_breaking"] == [shown["findings"][0]["message"]]


def test_insisting_forgives_nothing_else(author: Author) -> None:
    author.published(payload_schema=STRICT)
    response = author.publish(author.draft(payload_schema=STRICTER), allow_breaking=True)
    assert response.status_code == 422
    assert codes(response.json()["findings"]) == ["error sample_unfit", "warning schema_breaking"]


def test_a_draft_that_changes_while_it_is_checked_is_not_published(
    author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = author.draft()

    def change_meanwhile(checked: TemplateVersion) -> list[Any]:
        author.patch(version, html_source="unchecked")
        return []

    monkeypatch.setattr(publishing, "version_findings", change_meanwhile)
    response = author.publish(version)
    assert (response.status_code, response.json()["code"]) == (409, "changed_meanwhile")
    assert TemplateVersion.objects.get().status == "draft"


@pytest.mark.parametrize("body", [{"activate": "perhaps"}, {"colour": 1}])
def test_a_malformed_wish_is_400(author: Author, body: dict[str, Any]) -> None:
    version = author.draft()
    assert author.publish(version, **body).status_code == 400
    assert author.post(f"/versions/{version}/activate", {"colour": 1}).status_code == 400


def test_a_stranger_cannot_publish(author: Author, charlie: Member) -> None:
    version = author.draft()
    assert Author(charlie).publish(version).status_code == 404
    assert Template.objects.get(team=author.member.team).active_version is None
