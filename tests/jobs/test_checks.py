"""What the queue cannot do without is said when the service starts."""

from __future__ import annotations

import sqlite3

import pytest
from django.core.checks import run_checks
from django.db import connection


def test_an_sqlite_without_returning_is_refused_where_it_is_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    refused = [message for message in run_checks() if message.id == "jobs_app.E001"]
    assert len(refused) == (connection.vendor == "sqlite")
    for message in refused:
        assert message.is_serious()
        assert "DATABASE_URL" in str(message.hint)
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 35, 0))
    assert not [message for message in run_checks() if message.id == "jobs_app.E001"]
