"""Spending the uses of links: each once, for bytes that are there, and never without a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone

from downloads_app.models import DownloadLink, LinkRedemption, StoredFile
from downloads_app.services import file_discard, files, link_peek, link_redeem, link_revoke, refusals
from downloads_app.services import redemption as redemption_services
from pdfservice.lib import storage
from pdfservice.lib.addresses import parse_address
from pdfservice.lib.errors import ServiceError
from tests.conftest import Member
from tests.downloads.conftest import PDF, Handed, events, expire, hand_out

HERE = parse_address("192.0.2.7")


def _refusal(token: str, address: Any = HERE) -> tuple[int, str]:
    with pytest.raises(ServiceError) as refusal:
        link_redeem(token=token, address=address, agent="curl")
    return refusal.value.status, refusal.value.code


def _end(handed: Handed, how: str) -> None:
    match how:
        case "link_revoked":
            link_revoke(link=handed.link, actor="user:alice")
        case "link_expired":
            expire(handed.link)
        case "link_spent":
            link_redeem(token=handed.token, address=HERE, agent="curl").content.close()
        case "file_gone":
            file_discard(file_id=handed.link.file_id)


ENDS = ["link_revoked", "link_expired", "link_spent", "file_gone"]


def test_a_use_gives_the_file_and_leaves_a_trace(handed: Handed) -> None:
    redemption = link_redeem(token=handed.token, address=HERE, agent="curl/8\0\n")
    assert b"".join(redemption.content) == PDF
    row = LinkRedemption.objects.get()
    assert (row.pk, row.link, row.address, row.agent) == (redemption.redemption_id, handed.link, str(HERE), "curl/8")
    assert (row.bytes_sent, row.complete, handed.uses) == (len(PDF), True, 1)
    (event,) = events(handed.link, "link.redeemed")
    assert (event.actor, event.data["address"], event.data["agent"]) == ("link", str(HERE), "curl/8")


@pytest.mark.parametrize("how", ENDS)
def test_an_ended_link_refuses_and_says_why(handed: Handed, how: str) -> None:
    _end(handed, how)
    used = handed.uses
    assert _refusal(handed.token) == (410, how)
    assert handed.uses == used
    (event,) = events(handed.link, "link.refused")
    assert event.data == {
        "file": str(handed.link.file.external_id), "reason": how, "address": str(HERE), "agent": "curl"
    }  # fmt: skip


@pytest.mark.parametrize("how", ENDS)
def test_a_link_that_ends_while_its_file_is_opened_refuses_as_well(
    handed: Handed, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []

    def overtaken(*, file: StoredFile) -> Any:
        opened.append(files.file_open(file=file))
        monkeypatch.undo()
        _end(handed, how)
        return opened[0]

    monkeypatch.setattr(redemption_services, "file_open", overtaken)
    assert _refusal(handed.token) == (410, how)
    assert list(opened[0]) == []  # it was closed
    assert LinkRedemption.objects.count() == (how == "link_spent")


def test_a_file_that_expires_makes_its_links_expire(handed: Handed) -> None:
    expire(handed.link.file)
    assert _refusal(handed.token) == (410, "file_gone")


def test_a_wrong_token_is_unknown(handed: Handed) -> None:
    assert _refusal("x" * 43) == (404, "not_found")
    assert not events(handed.link, "link.refused")


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
        ("192.0.2.0/24", "::ffff:192.0.2.1", "::ffff:192.0.3.1"),
        ("::ffff:192.0.2.0/120", "192.0.2.1", "192.0.3.1"),
        ("2001:db8::/32", "2001:db8::1", "2001:db9::1"),
        ("2001:db8::1/128", "2001:db8:0::1", "192.0.2.1"),
    ],
)
def test_addresses_outside_the_allowed_networks_see_a_wrong_token(
    alice: Member, file: StoredFile, network: str, inside: str, outside: str
) -> None:
    handed = hand_out(file, alice.caller, ip_whitelist=[network])
    assert _refusal(handed.token, parse_address(outside)) == (404, "not_found")
    assert handed.uses == 0
    (event,) = events(handed.link, "link.refused")
    assert (event.data["reason"], event.data["agent"]) == ("address", "curl")
    link_redeem(token=handed.token, address=parse_address(inside), agent="").content.close()
    assert handed.uses == 1


def test_no_address_is_outside_of_every_network(alice: Member, file: StoredFile) -> None:
    handed = hand_out(file, alice.caller, ip_whitelist=["0.0.0.0/0", "::/0"])
    assert _refusal(handed.token, None) == (404, "not_found")


def test_a_flood_of_refusals_is_one_event_a_minute_for_each_reason(
    alice: Member, file: StoredFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed = hand_out(file, alice.caller, ip_whitelist=["192.0.2.0/24"])
    _end(handed, "link_revoked")
    for _ in range(5):
        _refusal(handed.token)
        _refusal(handed.token, parse_address("10.0.0.1"))
    assert sorted(event.data["reason"] for event in events(handed.link, "link.refused")) == ["address", "link_revoked"]
    monkeypatch.setattr(refusals, "INTERVAL", timedelta(0))  # a minute later
    _refusal(handed.token)
    assert len(events(handed.link, "link.refused")) == 3


def test_looking_spends_nothing(handed: Handed) -> None:
    link = link_peek(token=handed.token, address=HERE, agent="")
    assert (link, handed.uses) == (handed.link, 0)
    assert not LinkRedemption.objects.exists()


def test_a_missing_object_spends_nothing(handed: Handed) -> None:
    storage.delete(handed.link.file.key)
    with pytest.raises(storage.ObjectMissing):
        link_redeem(token=handed.token, address=HERE, agent="")
    assert handed.uses == 0
    assert not LinkRedemption.objects.exists()


def test_a_storage_that_is_away_spends_nothing(handed: Handed, break_storage: Callable[[str], None]) -> None:
    break_storage("open_stream")
    with pytest.raises(storage.StorageUnavailable):
        link_redeem(token=handed.token, address=HERE, agent="")
    assert handed.uses == 0


def test_a_storage_that_fails_at_the_first_byte_spends_nothing(handed: Handed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "open_stream", lambda *_, **__: _breaking_after(0))
    with pytest.raises(storage.StorageUnavailable):
        link_redeem(token=handed.token, address=HERE, agent="")
    assert handed.uses == 0


def _breaking_after(chunks: int) -> Iterator[bytes]:
    for _ in range(chunks):
        yield b"x" * 1000
    raise OSError("the line is cut")


def test_a_storage_that_fails_on_the_way_leaves_an_incomplete_redemption(
    handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "open_stream", lambda *_, **__: _breaking_after(3))
    redemption = link_redeem(token=handed.token, address=HERE, agent="")
    with pytest.raises(OSError, match="cut"):
        list(redemption.content)
    row = LinkRedemption.objects.get()
    assert (row.bytes_sent, row.complete, handed.uses) == (3000, False, 1)


def test_an_object_shorter_than_its_row_says_is_incomplete(handed: Handed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "open_stream", lambda *_, **__: (chunk for chunk in [PDF[:100]]))
    list(link_redeem(token=handed.token, address=HERE, agent="").content)
    assert not LinkRedemption.objects.get().complete


@pytest.mark.parametrize("asked_for", [0, 1, 2])
def test_a_visitor_who_hangs_up_leaves_what_was_written_before(handed: Handed, asked_for: int) -> None:
    content = link_redeem(token=handed.token, address=HERE, agent="").content
    for _ in range(asked_for):
        next(content)
    content.close()
    content.close()
    row = LinkRedemption.objects.get()
    # The chunk in hand when the line broke may not have arrived.
    assert (row.bytes_sent, row.complete) == (max(0, asked_for - 1) * storage.CHUNK_BYTES, False)


def test_a_database_that_is_away_at_the_end_does_not_break_the_download(
    handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = link_redeem(token=handed.token, address=HERE, agent="").content

    def away(*_: Any, **__: Any) -> Any:
        raise DatabaseError("away")

    monkeypatch.setattr(LinkRedemption.objects, "filter", away)
    assert b"".join(content) == PDF


def test_a_use_and_its_trace_are_one(handed: Handed, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: Any) -> Any:
        raise DatabaseError("disk full")

    monkeypatch.setattr(redemption_services, "link_event", full)
    with pytest.raises(DatabaseError):
        link_redeem(token=handed.token, address=HERE, agent="")
    assert handed.uses == 0
    assert not LinkRedemption.objects.exists()


def test_a_link_opens_as_often_as_it_was_meant_to(alice: Member, file: StoredFile) -> None:
    handed = hand_out(file, alice.caller, max_uses=3)
    for _ in range(3):
        link_redeem(token=handed.token, address=HERE, agent="").content.close()
    assert _refusal(handed.token) == (410, "link_spent")
    assert DownloadLink.objects.filter(expires_at__gt=timezone.now(), use_count=3).exists()
