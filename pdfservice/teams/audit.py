"""The one way into the audit log, and the one way out."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from pdfservice.lib.statements import Answer, Statement, insert, inserted, run
from pdfservice.teams.models import AuditEvent, AuditPruning


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears of events that belong to a team, in their transaction; `question` finds a row if that team's matter."""

    question: Callable[[int], Statement]
    hear: Callable[[Sequence[AuditEvent]], None]


_listeners: dict[str, Listener] = {}


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
    event = AuditEvent(
        team_id=team_id, actor=actor, action=action, subject_type=subject_type, subject_id=subject_id, data=data or {}
    )
    append(event)
    return event


def append(event: AuditEvent, *, beside: Sequence[Statement] = ()) -> list[Answer]:
    """Append a new event, in the caller's transaction, after the statements `beside`; return their answers.

    All go to the database in one journey.
    """
    listener = _listeners.get(event.action)
    if event.team_id is None or listener is None:
        *answers, answer = run(*beside, insert(event))
        inserted(event, answer)
        return answers
    with transaction.atomic(savepoint=False):
        *answers, answer, heard = run(*beside, insert(event), listener.question(event.team_id))
        inserted(event, answer)
        if heard.count:
            listener.hear([event])
    return answers


def record_all(subjects: Sequence[tuple[int, uuid.UUID]], *, actor: str, action: str, subject_type: str) -> None:
    """Append the same event for each of `subjects` (team, uuid), in the caller's transaction."""
    events = [
        AuditEvent(
            team_id=team_id, actor=actor, action=action, subject_type=subject_type, subject_id=subject_id, data={}
        )
        for team_id, subject_id in subjects
    ]
    with transaction.atomic(savepoint=False):
        AuditEvent.objects.bulk_create(events, batch_size=1000)
        if events and action in _listeners:
            _listeners[action].hear(events)


def listen(actions: Iterable[str], listener: Listener) -> None:
    """Have `listener` hear of each event of `actions` that belongs to a team."""
    _listeners.update(dict.fromkeys(actions, listener))


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
