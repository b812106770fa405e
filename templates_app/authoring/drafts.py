"""Drafts: versions that may still change. Each write is guarded by the status: a published version stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypedDict

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from pdfservice.lib.errors import Fault, ServiceError, conflict, not_found
from pdfservice.teams.models import Team
from templates_app.authoring.records import record_version
from templates_app.authoring.templates import template_get
from templates_app.models import Template, TemplateAsset, TemplatePartial, TemplateVersion
from templates_app.sources import text_place

_SITTING = timedelta(minutes=10)
_COPIED_COLUMNS = (
    "language",
    "engine",
    "html_source",
    "html_source_key",
    "css_source",
    "css_source_key",
    "payload_schema",
    "sample_payload",
    "trusted_fields",
    "locale",
    "timezone",
    "resource_policy",
    "title",
    "note",
)


class DraftFields(TypedDict, total=False):
    """What an author says of a draft; what is left out stays as it is. `partials` takes the place of all there are."""

    language: str
    engine: str
    html_source: str
    css_source: str
    partials: Mapping[str, str]
    payload_schema: Any
    sample_payload: Any
    trusted_fields: list[str]
    locale: str
    timezone: str
    resource_policy: str
    title: str
    note: str


def version_get(*, team: Team, slug: str, version: int) -> TemplateVersion:
    """Return a version of a team's template, in whatever state; raise ServiceError (404)."""
    versions = TemplateVersion.objects.for_team(team).select_related("template__team", "template__active_version")
    found = versions.filter(template__slug=slug, version=version).first()
    if found is None:
        raise not_found("version")
    return found


def draft_create(
    *, team: Team, slug: str, fields: DraftFields, copy_of: int | None = None, actor: str
) -> TemplateVersion:
    """Make the next version of a template as a draft, a copy of version `copy_of` where one is named.

    Assets are copied by reference. Raises ServiceError: 404 for an unknown template or version, 400 without a language.
    """
    template = template_get(team=team, slug=slug)
    origin = None if copy_of is None else version_get(team=team, slug=slug, version=copy_of)
    if origin is None and "language" not in fields:
        raise ServiceError(400, "invalid_request", "Name a language.", [Fault("/language", "This field is required.")])
    columns = _copied(origin) | _columns(fields, team)
    with transaction.atomic():
        Template.objects.select_for_update().get(pk=template.pk)
        last = TemplateVersion.objects.filter(template=template).aggregate(last=Max("version"))["last"] or 0
        draft = TemplateVersion.objects.create(template=template, version=last + 1, edited_by=actor, **columns)
        if origin is not None:
            _copy_assets(origin, draft)
        _set_partials(draft, fields["partials"] if "partials" in fields else _partials_of(origin))
        record_version(draft, "version.drafted", actor=actor, copy_of=copy_of)
    return draft


def draft_update(
    *, version: TemplateVersion, fields: DraftFields, actor: str, revision: int | None = None
) -> TemplateVersion:
    """Change a draft; raise ServiceError (409) for a version that is none any more.

    With `revision` the change is made to that state alone: 409 `edited_meanwhile`, with who and when, to any other.
    Such changes come with every pause in typing, so the audit log has one for each sitting.
    """
    columns = _columns(fields, version.template.team)
    with transaction.atomic():
        draft_lock(version)
        before = TemplateVersion.objects.only("revision", "edited_by", "edited_at").get(pk=version.pk)
        if revision is not None and before.revision != revision:
            raise _edited_meanwhile(before)
        draft_touch(version, actor=actor, **columns)
        if "partials" in fields:
            TemplatePartial.objects.filter(version=version).delete()
            _set_partials(version, fields["partials"])
        if revision is None or not _is_same_sitting(before, actor):
            record_version(version, "version.changed", actor=actor, fields=sorted(fields))
    return version_get(team=version.template.team, slug=version.template.slug, version=version.version)


def draft_touch(version: TemplateVersion, *, actor: str, **columns: Any) -> None:
    """Note a change of a draft that the caller's transaction holds, and make that of its columns."""
    TemplateVersion.objects.drafts().filter(pk=version.pk).update(
        **columns, revision=F("revision") + 1, edited_by=actor, edited_at=timezone.now()
    )


def draft_delete(*, version: TemplateVersion, actor: str) -> None:
    """Throw a draft away; raise ServiceError (409) for a version that is none any more."""
    with transaction.atomic():
        draft_lock(version)
        record_version(version, "version.discarded", actor=actor)
        version.delete()


def draft_lock(version: TemplateVersion) -> None:
    """Hold a draft until the caller's transaction ends; raise ServiceError (409) for what is no draft any more."""
    if not TemplateVersion.objects.select_for_update().drafts().filter(pk=version.pk).exists():
        message = f"Version {version.version} is {_status(version)} and never changes; make a draft of it with copy_of."
        raise conflict(message, "version_frozen")


def _is_same_sitting(before: TemplateVersion, actor: str) -> bool:
    return before.edited_by == actor and before.edited_at is not None and timezone.now() - before.edited_at < _SITTING


def _edited_meanwhile(current: TemplateVersion) -> ServiceError:
    who = current.edited_by.removeprefix("user:") or "somebody"
    return ServiceError(
        409,
        "edited_meanwhile",
        f"{who} changed this draft meanwhile.",
        members={"revision": current.revision, "edited_by": who, "edited_at": current.edited_at},
    )


def _status(version: TemplateVersion) -> str:
    return TemplateVersion.objects.values_list("status", flat=True).filter(pk=version.pk).first() or "gone"


def _copied(origin: TemplateVersion | None) -> dict[str, Any]:
    return {} if origin is None else {name: getattr(origin, name) for name in _COPIED_COLUMNS}


def _columns(fields: DraftFields, team: Team) -> dict[str, Any]:
    """Return what goes into the version's row; long texts are stored on the way."""
    columns: dict[str, Any] = {name: value for name, value in fields.items() if name != "partials"}
    for name in ("html_source", "css_source"):
        if name in columns:
            placed = text_place(columns[name], team_slug=team.slug)
            columns |= {name: placed.text, f"{name}_key": placed.key}
    return columns


def _copy_assets(origin: TemplateVersion, draft: TemplateVersion) -> None:
    assets = list(TemplateAsset.objects.filter(version=origin))
    for asset in assets:
        asset.pk, asset.version = None, draft
    TemplateAsset.objects.bulk_create(assets)


def _partials_of(origin: TemplateVersion | None) -> dict[str, str]:
    return dict(TemplatePartial.objects.filter(version=origin).values_list("name", "source")) if origin else {}


def _set_partials(draft: TemplateVersion, partials: Mapping[str, str]) -> None:
    TemplatePartial.objects.bulk_create(
        TemplatePartial(version=draft, name=name, source=source) for name, source in partials.items()
    )
