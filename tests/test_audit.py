"""The audit log is append-only."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from pdfservice.teams import audit
from pdfservice.teams.models import AuditEvent, AuditPruning, Team


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


def test_the_database_itself_refuses_a_delete(acme: Team) -> None:
    _event(acme)
    with pytest.raises(DatabaseError, match="never deleted"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM teams_auditevent")
    assert AuditEvent.objects.count() == 1


def test_pruning_takes_what_it_names_and_what_is_old_enough_and_closes_the_door(acme: Team) -> None:
    old, other, young = _event(acme), _event(acme), _event(acme)
    assert audit.prune(ids=[old.pk, young.pk], before=young.at) == 1
    assert set(AuditEvent.objects.values_list("pk", flat=True)) == {other.pk, young.pk}
    assert not AuditPruning.objects.exists()
    with pytest.raises(DatabaseError, match="never deleted"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM teams_auditevent WHERE at < %s", ["2999-01-01"])


def test_an_open_door_lets_nothing_out_that_is_younger(acme: Team) -> None:
    event = _event(acme)
    AuditPruning.objects.create(before=event.at)
    with pytest.raises(DatabaseError, match="never deleted"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM teams_auditevent")
