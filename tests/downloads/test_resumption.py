"""`Range` on `GET /d/<token>/file`: going on with a download that broke off, without a second use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from downloads_app.models import DownloadLink, LinkRedemption, StoredFile
from downloads_app.services import link_redeem, link_resume, link_revoke, redemption
from downloads_app.views import _rest
from pdfservice.lib import storage
from pdfservice.lib.addresses import parse_address
from tests.conftest import Member
from tests.downloads.conftest import PDF, Handed, events, expire, hand_out

HERE = parse_address("127.0.0.1")  # what Django's test client comes from
CHUNK = storage.CHUNK_BYTES


def break_off(handed: Handed, *, after: int = CHUNK, address: Any = HERE) -> LinkRedemption:
    """Begin a download and hang up after so many bytes."""
    content = link_redeem(token=handed.token, address=address, agent="curl").content
    while content.sent_bytes < after:
        next(content)
    content.close()
    return LinkRedemption.objects.latest("id")


def ask(client: Client, handed: Handed, asked_for: str, *, etag: str | None = None, **more: Any) -> Any:
    if_range = f'"{handed.link.file.sha256}"' if etag is None else etag
    headers = {"Range": asked_for, **({"If-Range": if_range} if if_range else {})}
    return client.get(handed.download, headers=headers, **more)


def test_it_gives_the_rest_and_spends_nothing_more(client: Client, handed: Handed) -> None:
    broken = break_off(handed)
    response = ask(client, handed, f"bytes={CHUNK}-")
    assert (response.status_code, response.getvalue()) == (206, PDF[CHUNK:])
    assert response["Content-Range"] == f"bytes {CHUNK}-{len(PDF) - 1}/{len(PDF)}"
    assert response["Content-Length"] == str(len(PDF) - CHUNK)
    assert response["ETag"] == f'"{handed.link.file.sha256}"'
    assert response["Content-Disposition"] == 'attachment; filename="invoice.pdf"'
    broken.refresh_from_db()
    assert (broken.complete, broken.bytes_sent, broken.resumptions, handed.uses) == (True, len(PDF), 1, 1)
    (event,) = events(handed.link, "link.resumed")
    assert event.data["first"] == CHUNK
    assert event.data["address"] == "127.0.0.1"
    assert ask(client, handed, f"bytes={CHUNK}-").status_code == 410, "it is complete"


def test_a_rest_that_breaks_off_is_taken_up_again(client: Client, handed: Handed) -> None:
    broken = break_off(handed)
    etag = handed.link.file.etag
    content = link_resume(token=handed.token, address=HERE, agent="", first=CHUNK, last=None, etag=etag).content
    next(content)
    next(content)
    content.close()
    broken.refresh_from_db()
    assert (broken.complete, broken.bytes_sent) == (False, 2 * CHUNK)
    assert ask(client, handed, f"bytes={2 * CHUNK}-").getvalue() == PDF[2 * CHUNK :]
    assert handed.uses == 1


def test_a_part_of_the_rest_is_that_part(client: Client, handed: Handed) -> None:
    broken = break_off(handed)
    response = ask(client, handed, f"bytes={CHUNK}-{CHUNK + 99}")
    assert response["Content-Range"] == f"bytes {CHUNK}-{CHUNK + 99}/{len(PDF)}"
    assert response.getvalue() == PDF[CHUNK : CHUNK + 100]
    broken.refresh_from_db()
    assert (broken.complete, broken.bytes_sent) == (False, CHUNK + 100)


@pytest.mark.parametrize(
    "etag", ["", '"other"', 'W/"{sha256}"', "{sha256}", "Sun, 29 Nov 2026 10:00:00 GMT"], ids=lambda tag: tag or "none"
)
def test_only_with_the_files_etag(client: Client, handed: Handed, etag: str) -> None:
    break_off(handed)
    response = ask(client, handed, f"bytes={CHUNK}-", etag=etag.format(sha256=handed.link.file.sha256))
    assert (response.status_code, response.json()["code"], handed.uses) == (410, "not_resumable", 1)


def test_only_from_the_same_address(client: Client, handed: Handed) -> None:
    break_off(handed, address=parse_address("192.0.2.1"))
    assert ask(client, handed, f"bytes={CHUNK}-").status_code == 410
    assert ask(client, handed, f"bytes={CHUNK}-", REMOTE_ADDR="::ffff:192.0.2.1").getvalue() == PDF[CHUNK:]
    (refused,) = events(handed.link, "link.refused")
    assert (refused.data["reason"], refused.data["address"]) == ("not_resumable", "127.0.0.1")


def test_only_within_ten_minutes(client: Client, handed: Handed) -> None:
    broken = break_off(handed)
    LinkRedemption.objects.filter(pk=broken.pk).update(ended_at=timezone.now() - timedelta(minutes=10))
    assert ask(client, handed, f"bytes={CHUNK}-").status_code == 410
    LinkRedemption.objects.filter(pk=broken.pk).update(ended_at=timezone.now() - timedelta(minutes=9))
    assert ask(client, handed, f"bytes={CHUNK}-").getvalue() == PDF[CHUNK:]


def test_only_for_what_has_not_been_delivered(client: Client, handed: Handed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redemption, "IN_FLIGHT_BYTES", CHUNK)
    break_off(handed, after=3 * CHUNK)
    assert ask(client, handed, f"bytes={2 * CHUNK - 1}-").status_code == 410
    assert ask(client, handed, f"bytes={2 * CHUNK}-").getvalue() == PDF[2 * CHUNK :]


def test_not_while_the_download_goes_on(client: Client, handed: Handed) -> None:
    content = link_redeem(token=handed.token, address=HERE, agent="").content
    next(content)
    assert ask(client, handed, f"bytes={CHUNK}-").status_code == 410
    content.close()


def test_not_beyond_the_end_nor_before_any_download(client: Client, handed: Handed) -> None:
    assert ask(client, handed, f"bytes={CHUNK}-").status_code == 410
    assert handed.uses == 0
    break_off(handed)
    assert ask(client, handed, f"bytes={len(PDF)}-").status_code == 410


def test_not_for_ever(client: Client, handed: Handed) -> None:
    broken = break_off(handed)
    LinkRedemption.objects.filter(pk=broken.pk).update(resumptions=redemption.MOST_RESUMPTIONS)
    assert ask(client, handed, f"bytes={CHUNK}-").status_code == 410


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_not_once_the_link_is_over(client: Client, handed: Handed, end: str) -> None:
    break_off(handed)
    if end == "revoked":
        link_revoke(link=handed.link, actor="test")
    else:
        expire(handed.link)
    response = ask(client, handed, f"bytes={CHUNK}-")
    assert (response.status_code, response.json()["code"]) == (410, f"link_{end}")


def test_not_from_outside_the_allowed_networks(client: Client, alice: Member, file: StoredFile) -> None:
    handed = hand_out(file, alice.caller, ip_whitelist=["127.0.0.0/8"])
    break_off(handed)
    assert ask(client, handed, f"bytes={CHUNK}-", REMOTE_ADDR="192.0.2.1").status_code == 404
    assert ask(client, handed, f"bytes={CHUNK}-").getvalue() == PDF[CHUNK:]


def test_a_storage_that_is_away_leaves_the_rest_for_later(
    client: Client, handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_off(handed)
    with monkeypatch.context() as patch:

        def away(*_: Any, **__: Any) -> Any:
            raise storage.StorageUnavailable("away")

        patch.setattr(storage, "open_stream", away)
        assert ask(client, handed, f"bytes={CHUNK}-").status_code == 503
    assert ask(client, handed, f"bytes={CHUNK}-").getvalue() == PDF[CHUNK:]


@pytest.mark.django_db(transaction=True)
def test_of_many_who_go_on_at_once_one_does(handed: Handed) -> None:
    break_off(handed)

    def go_on(_: int) -> bool:
        try:
            response = ask(Client(), handed, f"bytes={CHUNK}-")
            if response.status_code == 206:
                response.getvalue()
            return bool(response.status_code == 206)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(go_on, range(8))) == 1
    assert DownloadLink.objects.get(pk=handed.link.pk).use_count == 1


@pytest.mark.parametrize(
    ("header", "rest"),
    [
        ("bytes=5-", (5, None)),
        ("bytes=5-9", (5, 9)),
        ("bytes= 5-9 ", (5, 9)),
        ("bytes=0-", None),
        ("bytes=0-9", None),
        ("bytes=9-5", None),
        ("bytes=-5", None),
        ("bytes=5-9,20-30", None),
        ("pages=5-", None),
        ("bytes=5", None),
        ("bytes=\u0665-", None),
        ("bytes=" + "9" * 30 + "-", None),
        ("", None),
    ],
)
def test_which_ranges_ask_for_a_rest(rf: Any, header: str, rest: tuple[int, int | None] | None) -> None:
    assert _rest(rf.get("/", headers={"Range": header})) == rest
