"""Files and links for the tests of this folder."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from downloads_app.models import DownloadLink, StoredFile
from downloads_app.services import file_confirm, file_reserve, link_create
from pdfservice.lib import storage
from pdfservice.teams.callers import Caller
from pdfservice.teams.models import AuditEvent, Team
from tests.conftest import Member

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 800  # 205 KB: several chunks of the storage


@dataclass(frozen=True)
class Handed:
    """A link as its holder has it."""

    link: DownloadLink
    token: str

    @property
    def page(self) -> str:
        """The address for people."""
        return f"/d/{self.token}"

    @property
    def download(self) -> str:
        """The address for programs."""
        return f"/d/{self.token}/file"

    @property
    def uses(self) -> int:
        """How many uses are spent, from the database."""
        return DownloadLink.objects.get(pk=self.link.pk).use_count


def store(
    team: Team, *, data: bytes = PDF, filename: str = "invoice.pdf", expires_at: datetime | None = None
) -> StoredFile:
    """Return a live file of `team`."""
    file = file_reserve(team=team, key=f"pdf-output/{uuid.uuid4()}.pdf", filename=filename)
    stored = storage.put(file.key, data, content_type="application/pdf")
    assert file_confirm(file_id=file.pk, stored=stored, expires_at=expires_at)
    file.refresh_from_db()
    return file


def hand_out(file: StoredFile, caller: Caller, **wishes: Any) -> Handed:
    """Return a new link to `file`."""
    return Handed(*link_create(file=file, caller=caller, **wishes))


def expire(row: StoredFile | DownloadLink) -> None:
    """Let the time of a file or a link be over."""
    type(row).objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def events(link: DownloadLink, action: str) -> list[AuditEvent]:
    """Return what the audit log says about `link`."""
    return list(AuditEvent.objects.about(link.external_id).filter(action=action))


@pytest.fixture
def file(alice: Member) -> StoredFile:
    """A live file of acme that does not expire."""
    return store(alice.team)


@pytest.fixture
def handed(alice: Member, file: StoredFile) -> Handed:
    """A link of Alice's with one use."""
    return hand_out(file, alice.caller)


@pytest.fixture
def break_storage(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that takes one operation of the storage away."""

    def away(operation: str) -> None:
        def refuse(*_: Any, **__: Any) -> Any:
            raise storage.StorageUnavailable("away")

        monkeypatch.setattr(storage, operation, refuse)

    return away
