"""How a team looks to those who get its documents: a name, a colour, a logo."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from django.db import transaction

from pdfservice.lib import storage
from pdfservice.teams import audit
from pdfservice.teams.models import Team

logger = logging.getLogger(__name__)


def brand_change(*, team: Team, actor: str, **changes: str) -> Team:
    """Set `brand_name` or `brand_color` (both may be empty) and return the team."""
    with transaction.atomic():
        Team.objects.filter(pk=team.pk).update(**changes)
        if changes:
            _record(team, "team.brand_changed", actor, changes)
    team.refresh_from_db()
    return team


def logo_set(*, team: Team, data: bytes, content_type: str, actor: str) -> Team:
    """Store a logo that was found harmless, in place of the present one, and return the team."""
    sha256 = hashlib.sha256(data).hexdigest()
    kept = storage.put(storage.logo_key(team.slug, sha256), data, content_type=content_type)
    _replace_logo(team, actor, logo_key=kept.key, logo_content_type=content_type, logo_sha256=sha256)
    return team


def logo_remove(*, team: Team, actor: str) -> Team:
    """Do without a logo from now on, and return the team."""
    _replace_logo(team, actor, logo_key="", logo_content_type="", logo_sha256="")
    return team


def _replace_logo(team: Team, actor: str, **logo: str) -> None:
    with transaction.atomic():
        former = Team.objects.select_for_update().values_list("logo_key", flat=True).get(pk=team.pk)
        Team.objects.filter(pk=team.pk).update(**logo)
        if former != logo["logo_key"]:
            _record(team, "team.logo_changed", actor, {"sha256": logo["logo_sha256"]})
    team.refresh_from_db()
    if former and former != logo["logo_key"]:
        try:
            storage.delete(former)
        except storage.StorageUnavailable as error:
            logger.warning("A former logo stays in storage at %s: %s", former, error)


def _record(team: Team, action: str, actor: str, data: dict[str, Any]) -> None:
    audit.record(team_id=team.pk, actor=actor, action=action, subject_type="team", subject_id=None, data=data)
