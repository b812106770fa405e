"""Templates: make one, find one."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from pdfservice.lib.errors import Fault, ServiceError, not_found
from pdfservice.teams.models import Team
from templates_app.authoring.records import record_template
from templates_app.models import Template


def template_create(*, team: Team, slug: str, name: str, retention_days: int | None, actor: str) -> Template:
    """Make a template without versions; raise ServiceError (409) when the team has one of that slug."""
    try:
        with transaction.atomic():
            template = Template.objects.create(team=team, slug=slug, name=name, retention_days=retention_days)
            record_template(template, "template.created", actor=actor)
    except IntegrityError as error:
        message = f"There is a template {slug!r} already."
        raise ServiceError(409, "slug_taken", message, [Fault("/slug", message)]) from error
    return template


def template_get(*, team: Team, slug: str) -> Template:
    """Return a template of the team; raise ServiceError (404)."""
    template = Template.objects.for_team(team).select_related("team", "active_version").filter(slug=slug).first()
    if template is None:
        raise not_found("template")
    return template


def template_update(*, template: Template, name: str, retention_days: int | None, actor: str) -> None:
    """Give a template another name or other days to keep its outputs; its slug is for ever."""
    with transaction.atomic():
        changed = Template.objects.filter(pk=template.pk).exclude(name=name, retention_days=retention_days)
        if changed.update(name=name, retention_days=retention_days):
            record_template(template, "template.changed", actor=actor, name=name, retention_days=retention_days)
