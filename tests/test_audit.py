"""The audit log is append-only."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from pdfservice.teams import audit
from pdfservice.teams.models import AuditEvent, Team


def _event(team: Team) -> AuditEvent:
    return audit.record(team_id=team.pk, actor="user:alice", action="test", subject_type="test", subject_id=None)


def test_an_event_cannot_be_saved_again_or_deleted(acme: Team) -> None:
    event = _event(acme)
    with pytest.raises(TypeError):
        event.save()
    with pytest.raises(TypeError):
        event.delete()
    with pytest.raises(TypeError):
        AuditEvent.objects.update(actor="user:mallory")
    with pytest.raises(TypeError):
        AuditEvent.objects.filter(pk=event.pk).delete()


def test_the_database_itself_refuses_an_update(acme: Team) -> None:
    event = _event(acme)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE teams_auditevent SET actor = 'user:mallory'")
    event.refresh_from_db()
    assert event.actor == "user:alice"
