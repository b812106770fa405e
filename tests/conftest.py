"""The cast of every test: Alice and Bob of *acme*, Charlie of *umbrella*, who must see nothing of acme's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from rest_framework.test import APIClient

from jobs_app import backpressure
from jobs_app.heartbeat import Heartbeat
from pdfservice.lib import rates
from pdfservice.lib.object_cache import objects
from pdfservice.teams import triggers as teams_triggers
from pdfservice.teams.api_keys import api_key_create
from pdfservice.teams.callers import Caller
from pdfservice.teams.models import ApiKey, Membership, Team, User
from pdfservice.teams.scopes import ROLE_SCOPES, Role, Scope
from templates_app import recent_versions
from templates_app import triggers as templates_triggers

TRIGGERS = [*teams_triggers.TRIGGERS, *templates_triggers.TRIGGERS]


@dataclass(frozen=True)
class Member:
    """A person with a role, and a key that may do what the role may."""

    user: User
    team: Team
    role: Role
    api_key: ApiKey
    key_text: str

    @property
    def caller(self) -> Caller:
        """The caller that this member's key is."""
        return Caller(team=self.team, scopes=self.api_key.granted(), api_key=self.api_key)

    @property
    def api(self) -> APIClient:
        """A client that sends this member's key."""
        return client_with(self.key_text)

    @property
    def browser(self) -> APIClient:
        """A client that is signed in as this member."""
        client = APIClient()
        client.force_login(self.user, backend="django.contrib.auth.backends.ModelBackend")
        return client


def client_with(key_text: str) -> APIClient:
    """Return a client that sends the key `key_text`."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key_text}")
    return client


def member(username: str, team: Team, role: Role, scopes: Iterable[Scope] | None = None) -> Member:
    """Make a member of `team`, with a key that has the role's scopes or those given."""
    user = User.objects.create_user(username=username, password="a long pass phrase", is_staff=True)
    Membership.objects.create(user=user, team=team, role=role)
    granted = ROLE_SCOPES[role] if scopes is None else scopes
    key, text = api_key_create(team=team, name=f"{username}'s key", actor=f"user:{username}", scopes=granted)
    return Member(user=user, team=team, role=role, api_key=key, key_text=text)


@pytest.fixture
def acme(db: None) -> Team:
    """The team of Alice and Bob."""
    return Team.objects.create(slug="acme", name="Acme")


@pytest.fixture
def umbrella(db: None) -> Team:
    """The team of Charlie."""
    return Team.objects.create(slug="umbrella", name="Umbrella")


@pytest.fixture
def alice(acme: Team) -> Member:
    """An admin of acme."""
    return member("alice", acme, Role.ADMIN)


@pytest.fixture
def bob(acme: Team) -> Member:
    """A viewer of acme."""
    return member("bob", acme, Role.VIEWER)


@pytest.fixture
def charlie(umbrella: Team) -> Member:
    """An admin of umbrella."""
    return member("charlie", umbrella, Role.ADMIN)


@pytest.fixture(autouse=True)
def _files_of_this_test(settings: LazySettings, tmp_path: Path) -> None:
    """Keep what a test stores in a directory of its own, and remember nothing of the last one's."""
    objects.clear()
    storages = settings.STORAGES
    if "location" in storages["default"].get("OPTIONS", {}):
        options = {**storages["default"]["OPTIONS"], "location": str(tmp_path / "files")}
        settings.STORAGES = {**storages, "default": {**storages["default"], "OPTIONS": options}}


@pytest.fixture(scope="session", autouse=True)
def _tables_can_be_emptied_after_a_test() -> Iterator[None]:
    """Let SQLite empty its tables between tests, which triggers refuse to everybody.

    PostgreSQL truncates, which no row trigger sees. `flush` sends post_migrate, and that installs the trigger again.
    """
    with pytest.MonkeyPatch.context() as patch:
        if connection.vendor == "sqlite":
            former = connection.ops.sql_flush
            kept = [trigger.installed_name for trigger in TRIGGERS if "DELETE" in trigger.event]

            def sql_flush(*arguments: Any, **options: Any) -> list[str]:
                return [*(f"DROP TRIGGER IF EXISTS {name}_delete" for name in kept), *former(*arguments, **options)]

            patch.setattr(connection.ops, "sql_flush", sql_flush)
        yield


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    """Forget what an earlier test counted: rows of this one may have the same ids."""
    backpressure.forget()
    rates.forget()
    recent_versions.forget()


@pytest.fixture(autouse=True)
def _passwords_hashed_fast(settings: LazySettings) -> None:
    """Spare each member of the cast a third of a second."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _no_heartbeat_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a heartbeat look when its test says so: by its own connection it sees nothing of the test's transaction.

    On a busy machine a renderer may take longer to start than the first beat, and the job would seem to be lost.
    """
    monkeypatch.setattr(Heartbeat, "_interval", staticmethod(lambda: 3600.0))
