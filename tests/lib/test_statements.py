"""Statements that are made once say what querysets would, and several of them are one."""

from __future__ import annotations

import uuid
from contextlib import nullcontext
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from pdfservice.lib.statements import (
    Statement,
    find,
    from_returned,
    in_index_order,
    insert,
    inserted,
    returning,
    run,
    update,
)
from pdfservice.teams.models import AuditEvent, Team

pytestmark = pytest.mark.django_db

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
AWKWARD = {"text": 'it\'s 100 % "quoted" ; -- \\ %s ü€🙂', "number": 1.5, "list": [None, True]}


def event(team: Team, **more: object) -> AuditEvent:
    """Return an event with a value of every kind, not inserted."""
    values = {"at": AT, "team": team, "actor": "a; DROP TABLE x --", "action": "x", "subject_id": uuid.uuid4()}
    return AuditEvent(**{**values, "subject_type": "test", "data": AWKWARD, **more})


@pytest.fixture
def team() -> Team:
    return Team.objects.create(slug="acme", name="Acme")


def test_an_inserted_row_is_what_save_would_have_made_of_it(team: Team) -> None:
    row = event(team)
    inserted(row, run(insert(row))[0])
    found = AuditEvent.objects.get(pk=row.pk)
    for field in AuditEvent._meta.concrete_fields:
        assert getattr(found, field.attname) == getattr(row, field.attname), field.attname
    with pytest.raises(TypeError):
        row.save()  # it knows that it is there


def test_an_update_reaches_the_rows_that_its_guard_names_and_no_others(team: Team) -> None:
    other = Team.objects.create(slug="umbrella", name="Umbrella", retention_days=None)
    [answer] = run(update(Team, {"id": other.pk, "retention_days": None}, {"name": "%s; --", "retention_days": 3}))
    assert answer.count == 1
    other.refresh_from_db()
    team.refresh_from_db()
    assert (other.name, other.retention_days, team.name) == ("%s; --", 3, "Acme")
    assert run(update(Team, {"id": other.pk, "retention_days": None}, {"name": "x"}))[0].count == 0


def test_a_look_finds_a_row_or_none(team: Team) -> None:
    there, absent, null = run(
        find(Team, {"slug": "acme"}), find(Team, {"slug": "ac'me"}), find(Team, {"id": team.pk, "name": None})
    )
    assert (there.count, absent.count, null.count) == (1, 0, 0)


def test_each_statement_has_its_own_answer(team: Team) -> None:
    row = event(team)
    found, changed, added, missed = run(
        find(Team, {"id": team.pk}),
        update(Team, {"id": team.pk}, {"name": "Other"}),
        insert(row),
        update(Team, {"id": 0}, {"name": "Other"}),
    )
    assert (found.count, changed.count, missed.count) == (1, 1, 0)
    assert added.first == (AuditEvent.objects.get().pk,)


def test_statements_go_to_postgresql_in_one_journey(team: Team) -> None:
    with CaptureQueriesContext(connection) as asked:
        run(*(insert(event(team)) for _ in range(3)))
    inserts = [each for each in asked if "INSERT" in each["sql"]]
    assert len(inserts) == (1 if connection.vendor == "postgresql" else 3)


def test_a_row_that_the_database_answered_with_is_the_row(team: Team) -> None:
    row = event(team)
    sql = insert(row)
    [answer] = run(Statement(sql.sql.partition(" RETURNING ")[0] + returning(AuditEvent), sql.values))
    assert answer.first is not None
    found = from_returned(AuditEvent, answer.first)
    assert (found.at, found.team, found.data, found.subject_id) == (AT, team, AWKWARD, row.subject_id)
    assert not found._state.adding


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in a transaction"])
def test_a_statement_that_is_refused_takes_the_others_with_it(team: Team, inside: bool) -> None:
    refused = (insert(event(team)), insert(Team(slug="acme", name="Again")), insert(event(team)))
    with pytest.raises(IntegrityError), transaction.atomic() if inside else nullcontext():
        run(*refused)
    assert not AuditEvent.objects.exists()


def test_what_is_read_in_index_order_leaves_nothing_behind(team: Team) -> None:
    with transaction.atomic():
        answers = run(*in_index_order(find(Team, {"id": team.pk})))
        assert [answer.count for answer in answers if answer.returns_rows] == [1]
        if connection.vendor == "postgresql":
            [setting] = run(Statement("SHOW enable_sort"))
            assert setting.first == ("on",)
