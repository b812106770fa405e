"""…/versions and …/versions/{n}"""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import ProtectedError

from jobs_app.models import Job
from pdfservice.lib import storage
from pdfservice.teams.models import AuditEvent
from templates_app.models import TemplateAsset, TemplatePartial, TemplateVersion
from templates_app.sources import LARGEST_INLINE_BYTES
from tests.conftest import Member
from tests.templates.conftest import LETTER, Author

FULL: dict[str, Any] = {
    "language": "jinja2",
    "engine": "weasyprint",
    "html_source": "  {% include 'line' %}{{ name }}\n",
    "css_source": "p { color: red }",
    "partials": {"line": "<hr>"},
    "payload_schema": {"type": "object", "required": ["name"]},
    "sample_payload": {"name": "Ada"},
    "trusted_fields": ["body"],
    "locale": "de-CH",
    "timezone": "Europe/Zurich",
    "resource_policy": "fail",
    "title": "A letter",
    "note": "first",
}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>'


def add_logo(author: Author, version: int) -> None:
    """Store a logo without asking a renderer."""
    kept = storage.put(storage.asset_key("acme", "ab" * 32), SVG, content_type="image/svg+xml")
    row = TemplateVersion.objects.get(version=version)
    TemplateAsset.objects.create(
        version=row, asset_type="logo", name="logo.svg", storage_key=kept.key, sha256="ab" * 32,
        content_type="image/svg+xml", size_bytes=len(SVG),
    )  # fmt: skip


def test_a_draft_keeps_every_field_as_it_was_sent(author: Author) -> None:
    response = author.post("/versions", FULL)
    assert response.status_code == 201
    shown = response.json()
    assert {name: shown[name] for name in FULL} == FULL
    assert (shown["template"], shown["version"], shown["status"], shown["findings"]) == ("letter", 1, "draft", [])
    assert (shown["content_hash"], shown["published_at"], shown["is_active"]) == ("", None, False)
    assert author.get("/versions/1").json() == shown
    event = AuditEvent.objects.get(action="version.drafted")
    assert event.data == {"template": "letter", "version": 1, "copy_of": None}


def test_a_list_shows_versions_without_sources_newest_first(author: Author) -> None:
    author.draft()
    author.draft()
    results = author.get("/versions").json()["results"]
    assert [version["version"] for version in results] == [2, 1]
    assert "html_source" not in results[0]


def test_a_copy_has_everything_of_its_origin_and_its_assets_by_reference(author: Author) -> None:
    author.post("/versions", FULL)
    add_logo(author, 1)
    author.post("/versions/1/publish")
    copy = author.post("/versions", {"copy_of": 1, "note": "second"}).json()
    assert {name: copy[name] for name in FULL} == {**FULL, "note": "second"}
    assert (copy["version"], copy["status"]) == (2, "draft")
    first, second = TemplateAsset.objects.order_by("version__version")
    assert first.storage_key == second.storage_key
    author.member.api.delete(f"{author.url}/versions/2/assets/logo.svg")
    assert storage.read(first.storage_key) == SVG


def test_long_sources_go_to_storage_and_come_back(author: Author) -> None:
    long = "é" * LARGEST_INLINE_BYTES
    author.draft(html_source=long, css_source=long + "!")
    row = TemplateVersion.objects.get()
    assert (row.html_source, row.css_source) == ("", "")
    shown = author.get("/versions/1").json()
    assert (shown["html_source"], shown["css_source"]) == (long, long + "!")
    assert author.patch(1, html_source="short").json()["html_source"] == "short"
    assert author.post("/versions", {"copy_of": 1}).json()["css_source"] == long + "!"
    row.refresh_from_db()
    assert (row.html_source, row.html_source_key) == ("short", "")


def test_sources_beyond_the_limit_are_413(author: Author) -> None:
    response = author.post("/versions", {**LETTER, "html_source": "x" * (5 << 20)})
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_a_draft_is_changed_where_something_is_said(author: Author) -> None:
    author.post("/versions", FULL)
    shown = author.patch(1, title="Other", partials={"new": "x"}, payload_schema=None).json()
    assert {name: shown[name] for name in FULL} == {
        **FULL,
        "title": "Other",
        "partials": {"new": "x"},
        "payload_schema": None,
    }
    event = AuditEvent.objects.get(action="version.changed")
    assert event.data["fields"] == ["partials", "payload_schema", "title"]


def test_a_published_version_is_409_for_every_change(author: Author) -> None:
    author.published()
    api, version = author.member.api, f"{author.url}/versions/1"
    before = author.get("/versions/1").json()
    for response in (
        author.patch(1, title="Other"),
        author.patch(1, partials={"new": "x"}),
        author.post("/versions/1/partials", {"name": "new", "source": "x"}),
        api.delete(f"{version}/partials/new"),
        api.delete(f"{version}/assets/new"),
        api.delete(version),
        author.publish(1),
    ):
        assert (response.status_code, response.json()["code"]) == (409, "version_frozen")
    assert author.get("/versions/1").json() == before


def test_a_draft_can_be_thrown_away_and_its_number_is_free_again(author: Author) -> None:
    author.post("/versions", FULL)
    assert author.member.api.delete(f"{author.url}/versions/1").status_code == 204
    assert not TemplateVersion.objects.exists()
    assert not TemplatePartial.objects.exists()
    assert author.get("/versions/1").status_code == 404
    assert AuditEvent.objects.filter(action="version.discarded").exists()


def test_a_version_that_a_job_names_is_never_deleted(author: Author) -> None:
    author.published()
    response = author.member.api.post("/pdf/generate", {"template": "letter", "payload": {"name": "A"}}, format="json")
    assert response.status_code == 202
    version = Job.objects.get().template_version
    assert version is not None
    version.template.active_version = None
    version.template.save()
    with pytest.raises(ProtectedError):
        version.delete()


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"language": "cobol", "engine": "steam"}, {"/language", "/engine"}),
        ({"html_source": [], "surprise": 1}, {"/html_source", "/surprise"}),
        ({"partials": {"../x": "a"}}, {"/partials"}),
        ({"partials": {"x": []}}, {"/partials/x"}),
        ({"payload_schema": []}, {"/payload_schema"}),
        ({"sample_payload": []}, {"/sample_payload"}),
        ({"locale": "x", "timezone": "Mars/Olympus"}, {"/locale", "/timezone"}),
        ({"timezone": "../../etc/passwd", "locale": "../../de"}, {"/timezone", "/locale"}),
        ({"trusted_fields": ["body", "rows..html"]}, {"/trusted_fields/1"}),
        ({"trusted_fields": [".", "a. b", "*.a"]}, {"/trusted_fields/0", "/trusted_fields/1"}),
        ({"copy_of": 0}, {"/copy_of"}),
        ({"status": "published"}, {"/status"}),
    ],
)
def test_a_malformed_version_is_400(author: Author, change: dict[str, Any], pointers: set[str]) -> None:
    response = author.post("/versions", {**LETTER, **change})
    assert response.status_code == 400
    assert {fault["pointer"] for fault in response.json()["errors"]} == pointers
    assert not TemplateVersion.objects.exists()


def test_a_version_from_scratch_needs_a_language(author: Author) -> None:
    response = author.post("/versions", {"html_source": "x"})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "/language")


def test_what_is_not_there_is_404(author: Author) -> None:
    assert author.post("/versions", {"copy_of": 9}).status_code == 404
    for number in (9, 10**30):
        assert author.get(f"/versions/{number}").status_code == 404
        assert author.post(f"/versions/{number}/publish").status_code == 404
    assert Author(author.member, "nothing").post("/versions", LETTER).status_code == 404


ACTIONS = ("publish", "activate", "retire", "preview", "assets", "partials")


def test_another_teams_versions_are_not_there(author: Author, charlie: Member) -> None:
    author.published()
    author.draft()
    stranger = Author(charlie)
    for version in (1, 2):
        address = f"/versions/{version}"
        assert stranger.get(address).status_code == 404
        assert stranger.patch(version, title="mine").status_code == 404
        assert charlie.api.delete(f"{author.url}{address}").status_code == 404
        for action in ACTIONS:
            response = stranger.post(f"{address}/{action}") if action != "assets" else stranger.get(f"{address}/assets")
            assert response.status_code == 404, action
    assert stranger.get("/versions").status_code == 404
    assert stranger.post("/versions", {"copy_of": 1}).status_code == 404
    assert TemplateVersion.objects.count() == 2


def test_a_viewer_may_look_and_nothing_else(author: Author, bob: Member) -> None:
    author.published()
    viewer = Author(bob)
    assert viewer.get("/versions/1").status_code == 200
    assert viewer.get("/versions/1/partials").status_code == 200
    assert viewer.post("/versions", LETTER).status_code == 403
    assert viewer.patch(1, title="x").status_code == 403
    for action in ACTIONS:
        assert viewer.post(f"/versions/1/{action}").status_code == 403, action


def test_partials_are_set_listed_and_taken_out(author: Author) -> None:
    author.draft()
    for source in ("one", "two"):
        response = author.post("/versions/1/partials", {"name": "line", "source": source})
        assert (response.status_code, response.json()) == (201, {"name": "line", "source": source})
    assert author.get("/versions/1/partials").json() == [{"name": "line", "source": "two"}]
    assert author.member.api.delete(f"{author.url}/versions/1/partials/line").status_code == 204
    assert author.member.api.delete(f"{author.url}/versions/1/partials/line").status_code == 404
    assert author.post("/versions/1/partials", {"name": "a/b"}).status_code == 400


def test_other_methods_are_refused(author: Author) -> None:
    author.draft()
    assert author.member.api.put(f"{author.url}/versions/1", {}, format="json").status_code == 405
    assert author.get("/versions/1/publish").status_code == 405
