"""Versions are immutable, and the database itself says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pypdfium2
import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from pdfservice.lib import storage
from pdfservice.lib.errors import ServiceError
from pdfservice.teams.models import AuditEvent, Team
from templates_app import triggers
from templates_app.models import (
    AssetType,
    Template,
    TemplateAsset,
    TemplatePartial,
    TemplateVersion,
    VersionStatus,
)
from templates_app.renderer.contracts import Engine, Language
from templates_app.rendering import render_version, sandbox
from templates_app.services import NewAsset, VersionSource, version_publish_new, version_resolve
from templates_app.sources import LARGEST_INLINE_BYTES, css_of, html_of

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


FROZEN: list[dict[str, Any]] = [
    {"template_id": 10**6},
    {"version": 77},
    {"language": "markdown"},
    {"sample_payload": {"name": "Bo"}},
    {"resource_policy": "fail"},
    {"title": "other"},
    {"published_at": timezone.now()},
    {"html_source": "other"},
    {"css_source": "other"},
    {"engine": "weasyprint"},
    {"html_source_key": "sources/other"},
    {"css_source_key": "sources/other"},
    {"findings": ["none"]},
    {"payload_schema": {}},
    {"trusted_fields": ["body"]},
    {"locale": "de"},
    {"timezone": "Europe/Berlin"},
    {"status": VersionStatus.DRAFT, "published_at": None},
    {"content_hash": "x"},
]


def test_every_frozen_column_is_tried() -> None:
    assert {column for change in FROZEN for column in change} >= set(triggers._FROZEN_COLUMNS)


@pytest.mark.parametrize("change", FROZEN)
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


def test_the_database_refuses_to_touch_the_partials_of_a_published_version(acme: Team) -> None:
    version = publish(acme, partials={"line": "one"})
    partial = version.partials.get()
    draft = TemplateVersion.objects.create(template=version.template, version=2, language="jinja2")
    loose = TemplatePartial.objects.create(version=draft, name="loose")
    with pytest.raises(IntegrityError, match="never change"), transaction.atomic():
        TemplatePartial.objects.filter(pk=partial.pk).update(source="two")
    with pytest.raises(IntegrityError, match="never change"), transaction.atomic():
        partial.delete()
    with pytest.raises(IntegrityError, match="never change"), transaction.atomic():
        TemplatePartial.objects.create(version=version, name="new")
    with pytest.raises(IntegrityError, match="never change"), transaction.atomic():
        TemplatePartial.objects.filter(pk=loose.pk).update(version=version)
    loose.delete()


@pytest.mark.parametrize(
    "change",
    [{"partials": {"line": "two"}}, {"trusted_fields": ["body"]}, {"locale": "de"}, {"timezone": "Europe/Berlin"}],
)
def test_what_shapes_the_output_is_part_of_the_content_hash(acme: Team, change: dict[str, Any]) -> None:
    kept: dict[str, Any] = {"partials": {"line": "one"}}
    assert publish(acme, **kept).content_hash != publish(acme, **{**kept, **change}).content_hash


@pytest.fixture
def renderer() -> Iterator[None]:
    """Whatever renderer the test starts ends with it."""
    yield
    sandbox().close()


@pytest.mark.usefixtures("renderer")
def test_a_version_renders_with_its_partials_trust_and_locale(acme: Team) -> None:
    version = publish(
        acme,
        "{% include 'line' %}{{ date('2026-05-01T22:30:00Z', 'long') }} {{ body|safe }}",
        partials={"line": "{{ number(1234.5) }} "},
        trusted_fields=["body"],
        locale="de",
        timezone="Europe/Berlin",
    )
    payload = '{"body": "<form>trusted</form>"}'
    with pypdfium2.PdfDocument(render_version(version, payload, created_at="2026-01-01T00:00:00Z").pdf) as pdf:
        assert "1.234,5 2. Mai 2026 trusted" in pdf[0].get_textpage().get_text_range().replace("\r\n", " ")


def test_a_draft_may_change_and_a_published_one_may_retire(acme: Team) -> None:
    version = publish(acme)
    draft = TemplateVersion.objects.create(template=version.template, version=2, language="jinja2")
    TemplateVersion.objects.filter(pk=draft.pk).update(html_source="typing")
    Template.objects.update(active_version=None)
    TemplateVersion.objects.filter(pk=version.pk).update(status=VersionStatus.RETIRED)


def test_the_database_refuses_to_retire_the_active_version_or_to_bring_one_back(acme: Team) -> None:
    first, second = publish(acme), publish(acme, "two")
    TemplateVersion.objects.filter(pk=first.pk).update(status=VersionStatus.RETIRED)
    for version, status, says in ((second, VersionStatus.RETIRED, "active"), (first, VersionStatus.PUBLISHED, "stays")):
        with pytest.raises(IntegrityError, match=says), transaction.atomic():
            TemplateVersion.objects.filter(pk=version.pk).update(status=status)


def test_a_long_source_lies_in_storage_and_is_read_from_there(acme: Team) -> None:
    long = "ä" * (LARGEST_INLINE_BYTES // 2)
    short, version = publish(acme, long), publish(acme, long + "!", css_source=long + "?")
    assert (short.html_source, short.html_source_key) == (long, "")
    assert (version.html_source, version.css_source) == ("", "")
    assert storage.read(version.html_source_key).decode() == html_of(version) == long + "!"
    assert css_of(version) == long + "?"


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
