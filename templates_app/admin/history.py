"""The versions of a template as its page lists them: who, when, status, note, and what may be done next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.urls import reverse

from pdfservice.teams.models import AuditEvent
from templates_app.admin.steps import steps_for
from templates_app.models import Template, TemplateVersion, VersionStatus


@dataclass(frozen=True, slots=True)
class Button:
    """Something to do, and where."""

    label: str
    url: str
    is_danger: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to a version."""

    what: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A version in the history."""

    version: TemplateVersion
    is_active: bool
    url: str
    entries: list[Entry]
    buttons: list[Button]


def version_history(template: Template, *, may_write: bool) -> list[HistoryRow]:
    """Return the versions of a template, the newest first."""
    versions = list(
        TemplateVersion.objects.filter(template=template)
        .select_related("template__active_version")
        .defer("html_source", "css_source", "payload_schema", "sample_payload")
    )
    told = _events(template)
    return [
        HistoryRow(
            version=version,
            is_active=template.active_version_id == version.pk,
            url=reverse("admin:templates_app_templateversion_change", args=[version.pk]),
            entries=told.get(version.version, []),
            buttons=list(buttons_for(version, may_write=may_write)),
        )
        for version in versions
    ]


def buttons_for(version: TemplateVersion, *, may_write: bool) -> Iterable[Button]:
    """Yield what somebody may do with a version, the likeliest first."""

    def url(name: str, *arguments: object) -> str:
        return reverse(f"admin:templates_app_templateversion_{name}", args=[version.pk, *arguments])

    if may_write and version.status == VersionStatus.DRAFT:
        yield Button("Edit", url("editor"))
    active = version.template.active_version_id
    if may_write and active and active != version.pk:
        yield Button("Compare with active", f"{url('compare')}?with={active}")
    if may_write:
        for step in steps_for(version):
            yield Button(step.label, url("step", step.name), step.is_danger)


_TOLD = {
    "version.drafted": "drafted",
    "version.published": "published",
    "version.activated": "activated",
    "version.retired": "retired",
}


def _events(template: Template) -> dict[int, list[Entry]]:
    events = AuditEvent.objects.about(UUID(str(template.external_id))).filter(action__in=_TOLD)
    by_version: dict[int, list[Entry]] = {}
    for event in events:
        who = event.actor.removeprefix("user:")
        by_version.setdefault(event.data.get("version", 0), []).append(Entry(_TOLD[event.action], who, event.at))
    return by_version
