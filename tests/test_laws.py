"""Laws of the code base that no linter knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.management import call_command

OUR_APPS = ["teams", "templates_app", "downloads_app", "jobs_app"]
# What each app may point at; templates and downloads never at each other.
MAY_POINT_AT = {
    "teams": {"teams", "auth"},
    "templates_app": {"templates_app", "teams"},
    "downloads_app": {"downloads_app", "teams"},
    "jobs_app": {"jobs_app", "templates_app", "downloads_app", "teams"},
}
ROOT = Path(settings.BASE_DIR)


@pytest.mark.parametrize("label", OUR_APPS)
def test_foreign_keys_point_the_way_imports_do(label: str) -> None:
    for model in apps.get_app_config(label).get_models():
        for field in model._meta.get_fields(include_hidden=True):
            if field.is_relation and not field.auto_created and field.related_model is not None:
                target = field.related_model._meta.app_label
                assert target in MAY_POINT_AT[label], f"{model.__name__}.{field.name} points at {target}"


@pytest.mark.parametrize("label", OUR_APPS)
def test_a_reverse_name_is_only_used_by_the_app_that_made_it(label: str) -> None:
    foreign = {
        relation.get_accessor_name()
        for model in apps.get_app_config(label).get_models()
        for relation in model._meta.related_objects
        if relation.related_model._meta.app_label not in {*MAY_POINT_AT[label], label}
    }
    folder = ROOT / ("pdfservice/teams" if label == "teams" else label)
    for path in folder.rglob("*.py"):
        for name in filter(None, foreign):
            assert not re.search(rf"\.{name}\b", path.read_text()), f"{path} uses {name}, which a higher app made"


def test_only_transitions_write_a_jobs_status() -> None:
    writes = re.compile(r"\bJob\.objects[^\n]*update\(|\.status\s*=[^=]|update\([^)]*\bstatus=Status\.")
    offenders = [
        f"{path}: {line}"
        for path in (ROOT / "jobs_app").rglob("*.py")
        if "transitions" not in path.parts and "migrations" not in path.parts
        for line in path.read_text().splitlines()
        if writes.search(line)
    ]
    assert offenders == []


def test_the_admin_shows_these_models_and_no_others() -> None:
    assert {model._meta.label for model in admin.site._registry} == {
        "auth.Group",
        "teams.User",
        "teams.Team",
        "teams.ApiKey",
        "teams.Membership",
        "teams.AuditEvent",
        "templates_app.Template",
        "templates_app.TemplateVersion",
        "templates_app.WatermarkConfig",
        "downloads_app.StoredFile",
        "downloads_app.DownloadLink",
        "downloads_app.LinkRedemption",
        "jobs_app.Batch",
        "jobs_app.Job",
        "jobs_app.WebhookDelivery",
        "jobs_app.WebhookEndpoint",
    }


@pytest.mark.django_db(transaction=True)
def test_every_migration_can_be_undone_and_done_again() -> None:
    for label in reversed(OUR_APPS):
        if label != "teams":  # Django's own admin log needs the users
            call_command("migrate", label, "zero", verbosity=0)
    call_command("migrate", verbosity=0)


def test_no_file_of_ours_outgrew_one_thing() -> None:
    for folder in ("pdfservice", "templates_app", "downloads_app", "jobs_app"):
        for path in (ROOT / folder).rglob("*.py"):
            if "migrations" not in path.parts and path.name != "settings.py":  # one flat file, on purpose
                assert len(path.read_text().splitlines()) <= 300, f"{path} is asking to be two things"
