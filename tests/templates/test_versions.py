"""Versions are immutable, and the database itself says so."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from pdfservice.lib import storage
from pdfservice.lib.errors import ServiceError
from pdfservice.teams.models import AuditEvent, Team
from templates_app.models import AssetType, Template, TemplateAsset, TemplateVersion, VersionStatus
from templates_app.renderer.contracts import Engine, Language
from templates_app.services import NewAsset, VersionSource, version_publish_new, version_resolve

LOGO = NewAsset(name="logo.svg", asset_type=AssetType.LOGO, content_type="image/svg+xml", data=b"<svg/>")


def publish(team: Team, html: str = "one", **more: Any) -> TemplateVersion:
    """Publish a version of the template `letter`."""
    source = VersionSource(language=Language.JINJA2, engine=Engine.PLUTOBOOK, html_source=html, assets=[LOGO], **more)
    return version_publish_new(team=team, slug="letter", name="Letter", source=source, actor="test")


def test_publishing_makes_the_next_version_active_and_tells(acme: Team) -> None:
    first, second = publish(acme), publish(acme, "two")
    assert (first.version, second.version) == (1, 2)
    assert Template.objects.get().active_version == second
    assert second.status == VersionStatus.PUBLISHED
    assert AuditEvent.objects.filter(action="version.published").count() == 2
    asset = TemplateAsset.objects.filter(version=first).get()
    assert storage.read(asset.storage_key) == LOGO.data


def test_publishing_the_same_again_changes_nothing(acme: Team) -> None:
    assert publish(acme) == publish(acme)
    assert TemplateVersion.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"html_source": "other"},
        {"css_source": "other"},
        {"engine": "weasyprint"},
        {"payload_schema": {}},
        {"status": VersionStatus.DRAFT, "published_at": None},
        {"content_hash": "x"},
    ],
)
def test_the_database_refuses_to_change_a_published_version(acme: Team, change: dict[str, Any]) -> None:
    version = publish(acme)
    with pytest.raises(IntegrityError, match="never change"), transaction.atomic():
        TemplateVersion.objects.filter(pk=version.pk).update(**change)


def test_the_database_refuses_to_touch_the_assets_of_a_published_version(acme: Team) -> None:
    version = publish(acme)
    asset = version.assets.get()
    with pytest.raises(IntegrityError, match="never change"), transaction.atomic():
        TemplateAsset.objects.filter(pk=asset.pk).update(name="other")
    with pytest.raises(IntegrityError, match="never change"), transaction.atomic():
        asset.delete()
    with pytest.raises(IntegrityError, match="never change"), transaction.atomic():
        TemplateAsset.objects.create(
            version=version, asset_type=AssetType.IMAGE, name="new", storage_key="x", size_bytes=1
        )


def test_a_draft_may_change_and_a_published_one_may_retire(acme: Team) -> None:
    version = publish(acme)
    draft = TemplateVersion.objects.create(template=version.template, version=2, language="jinja2")
    TemplateVersion.objects.filter(pk=draft.pk).update(html_source="typing")
    TemplateVersion.objects.filter(pk=version.pk).update(status=VersionStatus.RETIRED)


def test_a_draft_or_another_templates_version_cannot_be_active(acme: Team, umbrella: Team) -> None:
    version = publish(acme)
    draft = TemplateVersion.objects.create(template=version.template, version=2, language="jinja2")
    foreign = publish(umbrella)
    for wrong in (draft, foreign):
        with pytest.raises(IntegrityError, match="active version"), transaction.atomic():
            Template.objects.filter(pk=version.template_id).update(active_version=wrong)


def test_the_database_refuses_impossible_versions(acme: Team) -> None:
    template = publish(acme).template
    for impossible in (
        {"version": 1},
        {"version": 0},
        {"version": 2, "status": VersionStatus.PUBLISHED},
        {"version": 2, "published_at": timezone.now()},
        {"version": 2, "status": "lost"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            TemplateVersion.objects.create(template=template, language="jinja2", **impossible)


def test_resolving_follows_the_rules(acme: Team, umbrella: Team) -> None:
    first, second = publish(acme), publish(acme, "two")
    assert version_resolve(team=acme, slug="letter", version=None) == second
    assert version_resolve(team=acme, slug="letter", version=1) == first
    TemplateVersion.objects.filter(pk=first.pk).update(status=VersionStatus.RETIRED)
    TemplateVersion.objects.create(template=first.template, version=3, language="jinja2")
    for team, version, status in ((acme, 1, 409), (acme, 3, 404), (acme, 9, 404), (umbrella, None, 404)):
        with pytest.raises(ServiceError) as refused:
            version_resolve(team=team, slug="letter", version=version)
        assert refused.value.status == status
