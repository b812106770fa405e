"""Triggers stay in place."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

from pdfservice.lib.triggers import Trigger, install
from templates_app.triggers import TRIGGERS


def installed() -> list[str]:
    """Return the names of all triggers of ours."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        return sorted(row[0] for row in cursor.fetchall())


@pytest.mark.django_db(transaction=True)
def test_migrating_installs_each_once() -> None:
    before = installed()
    for trigger in TRIGGERS:
        assert any(name.startswith(trigger.installed_name) for name in before)
    call_command("migrate", verbosity=0)
    assert installed() == before


@pytest.mark.django_db(transaction=True)
def test_a_changed_definition_replaces_the_former() -> None:
    before = installed()
    first = Trigger("try_out", "teams_team", "UPDATE", "1 = 0", "no")
    second = Trigger("try_out", "teams_team", "UPDATE", "1 = 2", "no")
    install([first], using="default")
    install([second], using="default")
    assert [name for name in installed() if name.startswith("try_out")] != []
    assert not any(name.startswith(first.installed_name) for name in installed())
    with connection.cursor() as cursor:
        for name in set(installed()) - set(before):
            postgresql = connection.vendor == "postgresql"
            cursor.execute(f"DROP FUNCTION {name}() CASCADE" if postgresql else f"DROP TRIGGER {name}")
    assert installed() == before


@pytest.mark.django_db(transaction=True)
def test_a_table_that_triggers_of_others_name_can_be_built_anew() -> None:
    before = installed()
    call_command("migrate", "templates_app", "0002", verbosity=0)
    call_command("migrate", verbosity=0)
    assert installed() == before


@pytest.mark.django_db(transaction=True)
def test_one_that_is_missing_comes_back_though_its_sibling_is_there() -> None:
    before = installed()
    (doomed,) = [name for name in before if name.startswith("partial_frozen_old") and not name.endswith("_update")]
    with connection.cursor() as cursor:
        postgresql = connection.vendor == "postgresql"
        cursor.execute(f"DROP FUNCTION {doomed}() CASCADE" if postgresql else f"DROP TRIGGER {doomed}")
    call_command("migrate", verbosity=0)
    assert installed() == before
