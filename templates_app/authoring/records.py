"""How what authors do gets into the audit log."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pdfservice.teams import audit
from templates_app.models import Template, TemplateVersion


def record_template(template: Template, action: str, *, actor: str, **data: Any) -> None:
    """Append an event about `template`, in the caller's transaction."""
    audit.record(
        team_id=template.team_id,
        actor=actor,
        action=action,
        subject_type="template",
        subject_id=UUID(str(template.external_id)),
        data={"template": template.slug, **data},
    )


def record_version(version: TemplateVersion, action: str, *, actor: str, **data: Any) -> None:
    """Append an event about `version`, in the caller's transaction."""
    record_template(version.template, action, actor=actor, version=version.version, **data)
