"""The one way into the audit log, and the one way out."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from pdfservice.teams.models import AuditEvent, AuditPruning


def record(
    *,
    team_id: int | None,
    actor: str,
    action: str,
    subject_type: str,
    subject_id: uuid.UUID | None,
    data: dict[str, Any] | None = None,
) -> AuditEvent:
    """Append one event, in the caller's transaction. `data` is shown to members: no secrets, no payloads.

    `team_id` None is for what happened to the service as a whole.
    """
    return AuditEvent.objects.create(
        team_id=team_id, actor=actor, action=action, subject_type=subject_type, subject_id=subject_id, data=data or {}
    )


def record_all(subjects: Sequence[tuple[int, uuid.UUID]], *, actor: str, action: str, subject_type: str) -> None:
    """Append the same event for each of `subjects` (team, uuid), in the caller's transaction."""
    AuditEvent.objects.bulk_create(
        (
            AuditEvent(
                team_id=team_id, actor=actor, action=action, subject_type=subject_type, subject_id=subject_id, data={}
            )
            for team_id, subject_id in subjects
        ),
        batch_size=1000,
    )


def prune(*, ids: Sequence[int], before: datetime) -> int:
    """Delete those of the events `ids` that are older than `before` and return their number. For archiving only."""
    table = connection.ops.quote_name(AuditEvent._meta.db_table)
    places = ", ".join(["%s"] * len(ids))
    with transaction.atomic():
        door = AuditPruning.objects.create(before=before)
        with connection.cursor() as cursor:
            # A trigger lets go of events before the door's time, and of no others (pdfservice/teams/triggers.py).
            cursor.execute(
                f"DELETE FROM {table} WHERE id IN ({places}) AND at < %s",  # noqa: S608  # the table's name is ours
                [*ids, connection.ops.adapt_datetimefield_value(before)],
            )
            pruned = int(cursor.rowcount)
        door.delete()
    return pruned
