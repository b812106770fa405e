"""Templates in the admin: lists, histories, and steps that ask first."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_app.models import Job
from jobs_app.states import Status
from pdfservice.teams.models import AuditEvent, Membership
from pdfservice.teams.scopes import Role
from templates_app.models import Template, TemplateVersion, VersionStatus
from tests.conftest import Member
from tests.templates.conftest import Author

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/templates_app/template/"


def step_url(version: TemplateVersion, step: str) -> str:
    """Return the address of a step of a version."""
    return f"/admin/templates_app/templateversion/{version.pk}/step/{step}/"


def version_of(author: Author, number: int) -> TemplateVersion:
    """Return a version as it is now."""
    return TemplateVersion.objects.select_related("template").get(template__slug=author.slug, version=number)


def take(member: Member, version: TemplateVersion, step: str, **ticked: str) -> Any:
    """Press the button on the page that asks."""
    return member.browser.post(step_url(version, step), ticked)


@pytest.fixture
def anna(acme: Any) -> Member:
    """An author of acme."""
    from tests.conftest import member

    return member("anna", acme, Role.AUTHOR)


def test_the_list_tells_what_is_active_and_how_its_jobs_did(author: Author, alice: Member) -> None:
    version = version_of(author, author.published())
    asked = {"team": alice.team, "requested_by_key": alice.api_key, "template_version": version, "payload_hash": "0"}
    ended = {"finished_at": version.published_at, "error_code": "template_error"}
    Job.objects.create(**asked)
    Job.objects.create(status=Status.FAILED, **ended, **asked)
    Job.objects.create(status=Status.FAILED, **ended, **{**asked, "queued_at": "2020-01-01T00:00:00Z"})
    page = alice.browser.get(LIST).content.decode()
    for shown in ("v1", "Jinja2", "plutobook", '<td class="field-jobs_lately">2</td>', "100.0%"):
        assert shown in page


def test_a_new_template_comes_with_a_draft_that_can_be_published(anna: Member) -> None:
    for language in ("handlebars", "jinja2", "mjml", "raw_html", "markdown"):
        fields = {"team": anna.team.pk, "name": "My <b> note", "slug": language, "language": language}
        answer = anna.browser.post(f"{LIST}add/", {**fields, "engine": "plutobook"})
        template = Template.objects.get(slug=language)
        assert answer.headers["Location"] == f"{LIST}{template.pk}/change/"
        draft = template.versions.get()
        published = take(anna, draft, "publish", activate="1")
        assert published.status_code == 302, (language, published.context["findings"])
    assert AuditEvent.objects.filter(action="template.created", actor="user:anna").count() == 5


def test_a_slug_that_is_taken_is_told_in_the_form(anna: Member, author: Author) -> None:
    fields = {"team": anna.team.pk, "name": "x", "slug": author.slug, "language": "jinja2", "engine": "plutobook"}
    assert b"already exists" in anna.browser.post(f"{LIST}add/", fields).content
    assert Template.objects.count() == 1


def test_a_template_is_renamed_and_keeps_its_slug(anna: Member, author: Author) -> None:
    template = Template.objects.get()
    anna.browser.post(f"{LIST}{template.pk}/change/", {"name": "Other", "slug": "x", "retention_days": "3"})
    template.refresh_from_db()
    assert (template.name, template.slug, template.retention_days) == ("Other", "letter", 3)
    assert AuditEvent.objects.filter(action="template.changed", actor="user:anna").exists()


def test_the_history_tells_who_did_what(author: Author, anna: Member) -> None:
    first = version_of(author, author.published())
    assert take(anna, first, "clone").status_code == 302
    draft = version_of(author, 2)
    assert draft.status == VersionStatus.DRAFT
    page = anna.browser.get(f"{LIST}{first.template_id}/change/").content.decode()
    assert "drafted by anna" in page
    assert f"published by {first_actor()}" in page
    for step, offered in (("publish", draft), ("discard", draft), ("clone", first)):
        assert step_url(offered, step) in page
    assert step_url(first, "retire") not in page


def first_actor() -> str:
    """Return who published, as the history names them."""
    return AuditEvent.objects.filter(action="version.published").values_list("actor", flat=True)[0]


def test_steps_ask_first_and_then_publish_roll_back_and_retire(author: Author, anna: Member) -> None:
    one = version_of(author, author.published())
    two = version_of(author, author.draft(note="second"))
    asked = anna.browser.get(step_url(two, "publish"))
    assert b"Every check runs first" in asked.content
    assert version_of(author, 2).status == VersionStatus.DRAFT
    assert take(anna, two, "publish", activate="1").status_code == 302
    assert Template.objects.get().active_version == two
    assert take(anna, one, "activate").status_code == 302
    assert Template.objects.get().active_version == one
    assert take(anna, two, "retire").status_code == 302
    assert version_of(author, 2).status == VersionStatus.RETIRED
    assert take(anna, two, "activate").status_code == 409


def test_a_refused_publication_lists_its_findings(author: Author, anna: Member) -> None:
    draft = version_of(author, author.draft(html_source="<p>x</p>\n{% if %}"))
    answer = take(anna, draft, "publish", activate="1")
    assert answer.status_code == 422
    assert b"html_source, line 2" in answer.content
    assert version_of(author, draft.version).status == VersionStatus.DRAFT


def test_breaking_callers_takes_a_tick_of_its_own(author: Author, anna: Member) -> None:
    author.published(payload_schema={"type": "object", "properties": {"name": {"type": "string"}}})
    stricter = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    draft = version_of(author, author.draft(payload_schema=stricter))
    refused = take(anna, draft, "publish", activate="1")
    assert refused.status_code == 422
    assert b'name="allow_breaking"' in refused.content
    assert take(anna, draft, "publish", activate="1", allow_breaking="1").status_code == 302


def test_a_version_that_is_not_activated_at_once_waits(author: Author, anna: Member) -> None:
    one = version_of(author, author.published())
    two = version_of(author, author.draft())
    take(anna, two, "publish")
    assert version_of(author, 2).status == VersionStatus.PUBLISHED
    assert Template.objects.get().active_version == one


def test_a_draft_is_discarded(author: Author, anna: Member) -> None:
    draft = version_of(author, author.draft())
    assert take(anna, draft, "discard").status_code == 302
    assert not TemplateVersion.objects.filter(pk=draft.pk).exists()


@pytest.mark.parametrize("step", ["publish", "activate", "clone", "retire", "discard"])
def test_viewers_and_strangers_take_no_step(author: Author, bob: Member, charlie: Member, step: str) -> None:
    author.published()
    version = version_of(author, author.draft())
    for person, status in ((bob, 403), (charlie, 404)):
        assert person.browser.get(step_url(version, step)).status_code == status
        assert take(person, version, step).status_code == status
    assert TemplateVersion.objects.count() == 2
    assert version_of(author, 2).status == VersionStatus.DRAFT


def test_an_author_who_is_a_viewer_elsewhere_only_looks_there(author: Author, charlie: Member) -> None:
    version = version_of(author, author.draft())
    Membership.objects.create(user=charlie.user, team=author.member.team, role=Role.VIEWER)
    page = charlie.browser.get(f"/admin/templates_app/templateversion/{version.pk}/change/")
    assert page.status_code == 200
    assert b"step/publish" not in page.content
    assert take(charlie, version, "publish").status_code == 403


def test_a_step_needs_the_csrf_token_and_one_that_is_none_is_missing(author: Author, anna: Member) -> None:
    from rest_framework.test import APIClient

    version = version_of(author, author.draft())
    strict = APIClient(enforce_csrf_checks=True)
    strict.force_login(anna.user, backend="django.contrib.auth.backends.ModelBackend")
    assert strict.post(step_url(version, "discard")).status_code == 403
    assert anna.browser.get(step_url(version, "explode")).status_code == 404
    assert TemplateVersion.objects.count() == 1
