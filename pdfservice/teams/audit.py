"""The one way into the audit log, and the one way out."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from pdfservice.teams.models import AuditEvent


def record(
    *,
    team_id: int,
    actor: str,
    action: str,
    subject_type: str,
    subject_id: uuid.UUID | None,
    data: dict[str, Any] | None = None,
) -> AuditEvent:
    """Append one event, in the caller's transaction. `data` is shown to members: no secrets, no payloads."""
    return AuditEvent.objects.create(
        team_id=team_id, actor=actor, action=action, subject_type=subject_type, subject_id=subject_id, data=data or {}
    )


def prune(*, before: datetime) -> int:
    """Delete the events older than `before` and return their number. For archiving only."""
    table = connection.ops.quote_name(AuditEvent._meta.db_table)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE at < %s", [before])  # noqa: S608  # the table's name is ours
        return int(cursor.rowcount)
