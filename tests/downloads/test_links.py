"""Making links and taking them back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from downloads_app.models import DownloadLink, StoredFile
from downloads_app.services import file_discard, file_reserve, link_create, link_revoke
from pdfservice.lib.errors import ServiceError
from pdfservice.lib.tokens import hash_token
from pdfservice.teams.callers import Caller
from tests.conftest import Member
from tests.downloads.conftest import Handed, events, expire, hand_out, store


def test_a_link_carries_what_was_asked_for(alice: Member, file: StoredFile) -> None:
    before = timezone.now()
    link, _token = link_create(
        file=file, caller=alice.caller, ttl_seconds=60, max_uses=3, ip_whitelist=["10.0.0.0/8", "::ffff:192.0.2.0/120"]
    )
    link.refresh_from_db()
    assert before + timedelta(seconds=60) <= link.expires_at <= timezone.now() + timedelta(seconds=60)
    assert (link.max_uses, link.use_count, link.ip_whitelist) == (3, 0, ["10.0.0.0/8", "192.0.2.0/24"])
    assert (link.created_by_key, link.created_by_user) == (alice.api_key, None)


def test_a_link_made_in_a_session_names_its_user(alice: Member, file: StoredFile) -> None:
    link, _token = link_create(file=file, caller=Caller(alice.team, frozenset(), user=alice.user))
    assert (link.created_by_key, link.created_by_user) == (None, alice.user)


def test_a_link_never_outlives_its_file(alice: Member) -> None:
    until = timezone.now() + timedelta(minutes=5)
    handed = hand_out(store(alice.team, expires_at=until), alice.caller, ttl_seconds=3600)
    assert handed.link.expires_at == until


def test_only_the_hash_of_a_token_is_in_the_database(handed: Handed) -> None:
    assert handed.link.token_hash == hash_token(handed.token)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            assert handed.token not in repr(cursor.fetchall()), table


def test_making_a_link_is_audited(alice: Member, handed: Handed) -> None:
    (event,) = events(handed.link, "link.created")
    assert (event.team, event.actor, event.subject_type) == (alice.team, alice.caller.actor, "link")
    assert event.data["file"] == str(handed.link.file.external_id)


@pytest.mark.parametrize("end", ["expired", "discarded"])
def test_a_file_that_is_gone_gets_no_link(alice: Member, file: StoredFile, end: str) -> None:
    expire(file) if end == "expired" else file_discard(file_id=file.pk)
    with pytest.raises(ServiceError) as refusal:
        link_create(file=file, caller=alice.caller)
    assert (refusal.value.status, refusal.value.code) == (410, "file_gone")
    assert not DownloadLink.objects.exists()


def test_a_file_that_is_not_stored_yet_gets_no_link(alice: Member) -> None:
    with pytest.raises(ServiceError) as refusal:
        link_create(file=file_reserve(team=alice.team, key="k", filename="a"), caller=alice.caller)
    assert refusal.value.status == 409


def test_another_teams_file_gets_no_link(charlie: Member, file: StoredFile) -> None:
    with pytest.raises(ServiceError) as refusal:
        link_create(file=file, caller=charlie.caller)
    assert refusal.value.status == 404


def test_a_link_is_revoked_once(handed: Handed) -> None:
    assert link_revoke(link=handed.link, actor="user:alice")
    assert not link_revoke(link=handed.link, actor="user:alice")
    assert len(events(handed.link, "link.revoked")) == 1
