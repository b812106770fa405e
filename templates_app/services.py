"""What may be done with templates."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from pdfservice.lib import storage
from pdfservice.lib.errors import Fault, ServiceError, conflict
from pdfservice.lib.statements import BLANK_KEY, BLANK_TEXT, Statement, compiled, run
from pdfservice.teams import audit
from pdfservice.teams.models import Team
from templates_app import recent_versions
from templates_app.content_hashes import content_hash
from templates_app.models import (
    AssetType,
    Template,
    TemplateAsset,
    TemplatePartial,
    TemplateVersion,
    VersionStatus,
)
from templates_app.renderer.contracts import Engine, Language, ResourcePolicy
from templates_app.sources import text_place
from templates_app.stored_objects import object_put


@dataclass(frozen=True, slots=True)
class NewAsset:
    """An asset on its way into a version."""

    name: str
    asset_type: AssetType
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class VersionSource:
    """Everything that makes a version."""

    language: Language
    engine: Engine
    html_source: str
    css_source: str = ""
    payload_schema: Any = None
    sample_payload: Any = None
    title: str = ""
    note: str = ""
    trusted_fields: Sequence[str] = ()
    locale: str = "en"
    timezone: str = "UTC"
    assets: Sequence[NewAsset] = ()
    partials: Mapping[str, str] = field(default_factory=dict)


def version_resolve(*, team: Team, slug: str, version: int | None) -> TemplateVersion:
    """Return the version that a new job renders with: the one named, else the active one.

    Raises ServiceError: 404 when there is no such template or published version, 409 when the one named is retired.
    """
    if version is None:
        return _active_version(team, slug)
    found = TemplateVersion.objects.select_related("template__team").filter(template__team=team, template__slug=slug)
    chosen = found.filter(version=version).first()
    if chosen is None or chosen.status == VersionStatus.DRAFT:
        raise _unusable("/version", f"Template {slug!r} has no published version {version}.")
    if chosen.status == VersionStatus.RETIRED:
        raise conflict(f"Version {version} of template {slug!r} is retired and takes no new jobs.", "version_retired")
    return chosen


@lru_cache
def _which_is_active(vendor: str) -> Statement:
    named = Template.objects.filter(team_id=BLANK_KEY, slug=BLANK_TEXT, active_version__isnull=False)
    return compiled(named.order_by().values_list("active_version_id", "retention_days"))


def _active_version(team: Team, slug: str) -> TemplateVersion:
    # Which one that is, and how long its outputs are kept, may have changed a moment ago. The version itself may not.
    [found] = run(_which_is_active(connection.vendor).filled({BLANK_KEY: team.pk, BLANK_TEXT: slug}))
    if found.first is None:
        raise _unusable("/template", f"There is no template {slug!r} with an active version.")
    version_id, retention_days = found.first
    chosen = recent_versions.version_recent(version_id=version_id)
    known = (chosen.template.slug, chosen.template.retention_days, chosen.template.team.retention_days)
    if known != (slug, retention_days, team.retention_days):
        chosen = recent_versions.version_anew(version_id=version_id)
    return chosen


def _unusable(pointer: str, message: str) -> ServiceError:
    return ServiceError(404, "unknown_template", message, [Fault(pointer, message)])


def version_publish_new(*, team: Team, slug: str, name: str, source: VersionSource, actor: str) -> TemplateVersion:
    """Make the next version of a template (and the template, if it is new), publish it and make it the active one.

    A source that equals the active version's changes nothing, and that version is returned.
    """
    digest = _hash_of(source)
    html, css = (text_place(text, team_slug=team.slug) for text in (source.html_source, source.css_source))
    stored = [(asset, _store(team, asset)) for asset in source.assets]
    with transaction.atomic():
        template, _ = Template.objects.select_for_update().get_or_create(team=team, slug=slug, defaults={"name": name})
        active = template.active_version
        if active is not None and active.content_hash == digest:
            return active
        last = template.versions.aggregate(last=Max("version"))["last"] or 0
        version = TemplateVersion.objects.create(
            template=template,
            version=last + 1,
            language=source.language,
            engine=source.engine,
            html_source=html.text,
            html_source_key=html.key,
            css_source=css.text,
            css_source_key=css.key,
            payload_schema=source.payload_schema,
            sample_payload=source.sample_payload,
            title=source.title,
            note=source.note,
            trusted_fields=list(source.trusted_fields),
            locale=source.locale,
            timezone=source.timezone,
        )
        TemplatePartial.objects.bulk_create(
            TemplatePartial(version=version, name=name, source=text) for name, text in source.partials.items()
        )
        TemplateAsset.objects.bulk_create(
            TemplateAsset(
                version=version,
                asset_type=asset.asset_type,
                name=asset.name,
                sha256=kept.sha256,
                storage_key=kept.key,
                content_type=asset.content_type,
                size_bytes=kept.size_bytes,
            )
            for asset, kept in stored
        )
        TemplateVersion.objects.filter(pk=version.pk, status=VersionStatus.DRAFT).update(
            status=VersionStatus.PUBLISHED, published_at=timezone.now(), content_hash=digest
        )
        Template.objects.filter(pk=template.pk).update(active_version=version)
        audit.record(
            team_id=team.pk,
            actor=actor,
            action="version.published",
            subject_type="template",
            subject_id=UUID(str(template.external_id)),
            data={"template": slug, "version": version.version, "content_hash": digest},
        )
    version.refresh_from_db()
    return version


def _hash_of(source: VersionSource) -> str:
    return content_hash(
        {**asdict(replace(source, assets=())), "resource_policy": ResourcePolicy.WARN},
        html=source.html_source,
        css=source.css_source,
        partials=source.partials,
        assets=[(asset.name, asset.content_type, _sha256(asset.data)) for asset in source.assets],
    )


def _store(team: Team, asset: NewAsset) -> storage.StoredObject:
    return object_put(storage.asset_key(team.slug, _sha256(asset.data)), asset.data, content_type=asset.content_type)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
