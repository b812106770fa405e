"""Database triggers that guard what no constraint can say, kept in place on SQLite and PostgreSQL.

They are installed after every `migrate` rather than by one migration: SQLite alters a table by building it anew, and a
trigger of the old table is lost without a word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.backends.utils import CursorWrapper
from django.db.models.signals import post_migrate, pre_migrate


@dataclass(frozen=True, slots=True)
class Trigger:
    """Refuses a change of a row.

    `event` is such as `UPDATE` or `INSERT OR UPDATE`; `refuse_when` a SQL condition over OLD and NEW that both
    databases understand; `message` the error that the writer gets, as an IntegrityError.
    """

    name: str
    table: str
    event: str
    refuse_when: str
    message: str

    def statements(self, vendor: str) -> list[str]:
        """Return the SQL that creates the trigger."""
        if vendor == "postgresql":
            return [
                f"CREATE OR REPLACE FUNCTION {self.installed_name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"IF {self.refuse_when} THEN "
                f"RAISE EXCEPTION '{self.message}' USING ERRCODE = 'check_violation'; END IF; "
                "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$",
                f"CREATE TRIGGER {self.installed_name} BEFORE {self.event} ON {self.table} "
                f"FOR EACH ROW EXECUTE FUNCTION {self.installed_name}()",
            ]
        # SQLite takes one event a trigger.
        return [
            f"CREATE TRIGGER IF NOT EXISTS {self.installed_name}_{event.lower()} BEFORE {event} ON {self.table} "
            f"FOR EACH ROW WHEN {self.refuse_when} BEGIN SELECT RAISE(ABORT, '{self.message}'); END"
            for event in self.event.split(" OR ")
        ]

    @property
    def installed_name(self) -> str:
        """The name in the database: it carries a digest of the definition, so that a changed one is seen to differ."""
        digest = hashlib.sha256(repr(self).encode()).hexdigest()[:8]
        return f"{self.name}_{digest}"


def install(triggers: Sequence[Trigger], *, using: str) -> None:
    """Create the triggers that are missing and drop former definitions of them."""
    connection = connections[using]
    with connection.cursor() as cursor:
        present = _present(connection.vendor, cursor)
        for trigger in triggers:
            current = [name for name in present if name.startswith(trigger.installed_name)]
            former = [name for name in present if name.startswith(f"{trigger.name}_") and name not in current]
            _drop(former, connection.vendor, cursor)
            # On SQLite a trigger is several, and one of them may be missing.
            if len(current) < len(_created(trigger, connection.vendor)):
                for statement in trigger.statements(connection.vendor):
                    cursor.execute(statement)


def _created(trigger: Trigger, vendor: str) -> list[str]:
    return [text for text in trigger.statements(vendor) if text.startswith("CREATE TRIGGER")]


def remove(triggers: Sequence[Trigger], *, using: str) -> None:
    """Drop the triggers, and former definitions of them."""
    connection = connections[using]
    with connection.cursor() as cursor:
        names = tuple(f"{trigger.name}_" for trigger in triggers)
        doomed = [name for name in _present(connection.vendor, cursor) if name.startswith(names)]
        _drop(doomed, connection.vendor, cursor)


def keep_installed(app: AppConfig, triggers: Sequence[Trigger]) -> None:
    """Install `triggers` whenever `app` has been migrated."""
    before, after = partial(_before_migrate, triggers), partial(_after_migrate, triggers)
    pre_migrate.connect(before, sender=app, weak=False, dispatch_uid=f"triggers:{app.label}")
    post_migrate.connect(after, sender=app, weak=False, dispatch_uid=f"triggers:{app.label}")


def _present(vendor: str, cursor: CursorWrapper) -> list[str]:
    if vendor == "postgresql":
        cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
    else:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    return [str(row[0]) for row in cursor.fetchall()]


def _drop(names: Sequence[str], vendor: str, cursor: CursorWrapper) -> None:
    for name in names:
        cursor.execute(f"DROP FUNCTION {name}() CASCADE" if vendor == "postgresql" else f"DROP TRIGGER {name}")


def _before_migrate(triggers: Sequence[Trigger], using: str, plan: Sequence[Any] = (), **_: Any) -> None:
    # SQLite drops no column that a trigger names.
    if plan:
        remove(triggers, using=using)


def _after_migrate(triggers: Sequence[Trigger], using: str, plan: Any = None, **_: Any) -> None:
    # Migrating backwards to zero ends here too, with no tables left.
    tables = set(connections[using].introspection.table_names())
    install([trigger for trigger in triggers if trigger.table in tables], using=using)
