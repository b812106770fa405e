"""The admin between teams: Charlie of umbrella tries every page and action on what is acme's."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import Model

from downloads_app.models import DownloadLink, FileState, LinkRedemption, StoredFile
from jobs_app.models import Batch, Job, WebhookDelivery, WebhookEndpoint
from pdfservice.teams import audit
from pdfservice.teams.models import ApiKey, AuditEvent, Membership, Team, User
from pdfservice.teams.scopes import Role
from pdfservice.teams.team_admin import TeamScopedAdmin
from templates_app.models import Template, TemplateVersion, WatermarkConfig
from tests.conftest import Member

pytestmark = pytest.mark.django_db
MARK = "only-acme-knows"
SUPERUSERS_ONLY = {"auth.Group", "teams.User"}


@pytest.fixture
def rows(alice: Member, acme: Team) -> dict[str, Model]:
    """One row of acme's for each model in the admin, by label, each recognisable by a text."""
    Team.objects.filter(pk=acme.pk).update(name=MARK)
    template = Template.objects.create(team=acme, slug=MARK, name=MARK)
    version = TemplateVersion.objects.create(template=template, version=1, language="jinja2", note=MARK)
    key = alice.api_key
    ApiKey.objects.filter(pk=key.pk).update(name=MARK)
    file = StoredFile.objects.create(
        team=acme, key=MARK, filename=MARK, state=FileState.LIVE, size_bytes=1, sha256="0" * 64
    )
    link = DownloadLink.objects.create(file=file, token_hash="0" * 64, expires_at="2999-01-01T00:00:00Z")
    asked = {"team": acme, "requested_by_key": key, "template_version": version}
    event = audit.record(team_id=acme.pk, actor=MARK, action="x.y", subject_type="x", subject_id=None)
    webhook = WebhookEndpoint.objects.create(team=acme, url=f"https://{MARK}.example", events=[], created_by=MARK)
    made: list[Model] = [
        acme,
        key,
        event,
        Membership.objects.get(user=alice.user),
        template,
        version,
        file,
        link,
        LinkRedemption.objects.create(link=link, agent=MARK),
        Job.objects.create(payload="{}", payload_hash="0", **asked),
        Batch.objects.create(**asked),
        webhook,
        WebhookDelivery.objects.create(endpoint=webhook, event="job.done", body="{}", status="failed"),
        WatermarkConfig.objects.create(team=acme, name=MARK, type="text", content=MARK),
    ]
    return {row._meta.label: row for row in made}


def address(row: Model, page: str = "") -> str:
    """Return the address of a page of the admin."""
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{page}"


LABELS = sorted(
    model._meta.label for model in admin.site._registry if not model._meta.label.startswith(("axes.", "django_q."))
)
SCOPED = [label for label in LABELS if label not in SUPERUSERS_ONLY]


def test_every_page_knows_teams_or_is_for_superusers(alice: Member) -> None:
    for model, page in admin.site._registry.items():
        if model._meta.label in SUPERUSERS_ONLY:
            url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
            assert alice.browser.get(url).status_code == 403
        else:
            assert isinstance(page, TeamScopedAdmin), f"{model} is shown to every team"


@pytest.mark.parametrize("label", SCOPED)
def test_a_stranger_sees_nothing_in_lists_searches_and_filters(
    charlie: Member, alice: Member, rows: dict[str, Model], label: str
) -> None:
    row = rows[label]
    by_team: list[dict[str, str]] = [{"team": "acme"}] if label != "teams.Team" else []
    for query in ({}, {"q": MARK[5:]}, *by_team):
        page = charlie.browser.get(address(row), query)
        assert page.status_code == 200
        text = page.content.decode()
        assert MARK not in text
        assert f"/{row.pk}/change/" not in text
    assert f"/{row.pk}/change/" in alice.browser.get(address(row)).content.decode()


@pytest.mark.parametrize("label", SCOPED)
@pytest.mark.parametrize("page", ["change/", "history/", "delete/"])
def test_a_stranger_opens_no_page_of_a_row(charlie: Member, rows: dict[str, Model], label: str, page: str) -> None:
    row = rows[label]
    LogEntry.objects.create(
        user=User.objects.get(username="alice"), object_id=str(row.pk), object_repr=MARK, action_flag=2
    )
    before = type(row)._default_manager.filter(pk=row.pk).values().get()
    for answer in (
        charlie.browser.get(address(row, f"{row.pk}/{page}")),
        charlie.browser.post(address(row, f"{row.pk}/{page}"), {"post": "yes", "name": "stolen", "role": "viewer"}),
    ):
        # Django sends away who asks for what is not there; what is another team's answers alike.
        assert answer.status_code in (302, 403, 405)
        assert MARK not in answer.content.decode()
    missing = charlie.browser.get(address(row, f"999999/{page}"))
    assert charlie.browser.get(address(row, f"{row.pk}/{page}")).status_code == missing.status_code
    assert type(row)._default_manager.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize("label", SCOPED)
def test_a_strangers_actions_touch_nothing(charlie: Member, rows: dict[str, Model], label: str) -> None:
    row = rows[label]
    model = type(row)
    before = model._default_manager.filter(pk=row.pk).values().get()
    for action in ("delete_selected", *(admin.site._registry[model].actions or ())):
        chosen = {"action": action, "_selected_action": [str(row.pk)], "post": "yes", "confirmed": "yes"}
        answer = charlie.browser.post(address(row), chosen, follow=True)
        assert MARK not in answer.content.decode()
    assert model._default_manager.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize(
    ("label", "fields"),
    [
        ("templates_app.Template", {"name": "x", "slug": "x", "language": "jinja2", "engine": "weasyprint"}),
        ("teams.ApiKey", {"name": "x", "scopes": ["jobs:read"]}),
        ("teams.Membership", {"username": "mole", "role": "admin"}),
    ],
)
def test_a_stranger_adds_nothing_to_another_team(
    charlie: Member, acme: Team, rows: dict[str, Model], label: str, fields: dict[str, Any]
) -> None:
    url = address(rows[label], "add/")
    assert MARK not in charlie.browser.get(url).content.decode()
    count = type(rows[label])._default_manager.count()
    answer = charlie.browser.post(url, {**fields, "team": acme.pk})
    assert b"Select a valid choice" in answer.content
    assert type(rows[label])._default_manager.count() == count


def test_autocomplete_tells_a_stranger_nothing(charlie: Member, rows: dict[str, Model]) -> None:
    for label in SCOPED:
        meta = rows[label]._meta
        for field in meta.fields:
            if field.is_relation:
                query = {
                    "app_label": meta.app_label,
                    "model_name": str(meta.model_name),
                    "field_name": field.name,
                    "term": MARK,
                }
                answer = charlie.browser.get("/admin/autocomplete/", query)
                assert answer.status_code == 403 or answer.json()["results"] == []


@pytest.mark.parametrize("label", SCOPED)
def test_a_viewer_changes_and_adds_nothing(bob: Member, rows: dict[str, Model], label: str) -> None:
    row = rows[label]
    before = type(row)._default_manager.filter(pk=row.pk).values().get()
    assert bob.browser.post(address(row, f"{row.pk}/change/"), {"name": "mine"}).status_code in (302, 403)
    assert bob.browser.get(address(row, "add/")).status_code == 403
    assert bob.browser.post(address(row, f"{row.pk}/delete/"), {"post": "yes"}).status_code in (302, 403)
    assert type(row)._default_manager.filter(pk=row.pk).values().get() == before


def test_keys_members_and_the_audit_log_are_for_the_admins_of_a_team(
    bob: Member, acme: Team, rows: dict[str, Model]
) -> None:
    for role in (Role.VIEWER, Role.AUTHOR, Role.OPERATOR):
        Membership.objects.filter(user=bob.user).update(role=role)
        for label in ("teams.ApiKey", "teams.Membership", "teams.AuditEvent", "jobs_app.WebhookEndpoint"):
            assert bob.browser.get(address(rows[label])).status_code == 403


def test_superusers_see_every_team(rows: dict[str, Model], admin_client: Any) -> None:
    for label in SCOPED:
        row = rows[label]
        assert f"/{row.pk}/change/" in admin_client.get(address(row)).content.decode()
        assert admin_client.get(address(row, f"{row.pk}/change/")).status_code == 200


def test_events_of_the_service_are_for_superusers(alice: Member, admin_client: Any) -> None:
    event = audit.record(team_id=None, actor="maintain", action="service.x", subject_type="x", subject_id=None)
    page = f"/admin/teams/auditevent/{event.pk}/change/"
    assert alice.browser.get(page).status_code == 302
    assert admin_client.get(page).status_code == 200


def test_who_left_the_team_or_is_no_staff_any_more_sees_nothing(alice: Member, rows: dict[str, Model]) -> None:
    page = address(rows["templates_app.Template"])
    User.objects.filter(pk=alice.user.pk).update(is_staff=False)
    assert alice.browser.get(page).status_code == 302
    User.objects.filter(pk=alice.user.pk).update(is_staff=True)
    Membership.objects.filter(user=alice.user).delete()
    assert alice.browser.get(page).status_code == 403
    assert AuditEvent.objects.filter(actor=MARK).exists()
