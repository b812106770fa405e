"""`/d/<token>`: what the holder of a link sees, and the button."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from django.test import Client

from downloads_app import views
from downloads_app.models import DownloadLink, LinkRedemption, StoredFile
from downloads_app.services import file_discard, link_redeem, link_revoke
from pdfservice.lib import storage
from pdfservice.lib.tokens import new_token
from pdfservice.teams.models import AuditEvent
from tests.conftest import Member
from tests.downloads.conftest import PDF, Handed, events, expire, hand_out, store


@pytest.fixture
def visitor() -> Client:
    """A browser without any cookie, which Django asks for CSRF tokens wherever a view wants one."""
    return Client(enforce_csrf_checks=True)


def _end(handed: Handed, how: str) -> None:
    match how:
        case "revoked":
            link_revoke(link=handed.link, actor="user:alice")
        case "expired":
            expire(handed.link)
        case "spent":
            link_redeem(token=handed.token, address=None, agent="").content.close()
        case "gone":
            file_discard(file_id=handed.link.file_id)


def test_the_page_tells_what_the_link_opens(visitor: Client, alice: Member) -> None:
    file = store(alice.team, filename="Quittung <b>№ 7</b> 📄.pdf")
    handed = hand_out(file, alice.caller, max_uses=3, ttl_seconds=3600)
    response = visitor.get(handed.page)
    page = response.content.decode()
    assert response.status_code == 200
    assert "Quittung &lt;b&gt;№ 7&lt;_b&gt; 📄.pdf" in page
    assert "200.0\xa0KB" in page
    assert f"{handed.link.expires_at:%B %Y}" in page
    assert f"{handed.link.expires_at:%H:%M} UTC, 59\xa0minutes left" in page
    assert "You can download it 3 times." in page
    assert '<form method="post">' in page


def test_the_page_works_without_scripts_inline_styles_or_other_sites(visitor: Client, handed: Handed) -> None:
    response = visitor.get(handed.page)
    page = response.content.decode()
    assert "<script" not in page
    assert "style=" not in page
    assert "<style" not in page
    assert "://" not in page
    assert "'unsafe-inline'" not in response["Content-Security-Policy"]
    assert "form-action 'self'" in response["Content-Security-Policy"]
    assert not response.cookies


def test_the_styles_of_the_page_are_served(visitor: Client, handed: Handed) -> None:
    href = visitor.get(handed.page).content.decode().split('rel="stylesheet" href="')[1].split('"')[0]
    response = visitor.get(href)
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/css")
    assert b"prefers-color-scheme: dark" in b"".join(response)


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_spends_nothing_and_leaves_no_trace(visitor: Client, handed: Handed, method: str) -> None:
    before = AuditEvent.objects.count()
    for _ in range(3):
        assert getattr(visitor, method)(handed.page, headers={"Purpose": "prefetch"}).status_code == 200
    assert handed.uses == 0
    assert not LinkRedemption.objects.exists()
    assert AuditEvent.objects.count() == before


def test_the_button_downloads_and_spends_a_use(visitor: Client, handed: Handed) -> None:
    response = visitor.post(handed.page, headers={"User-Agent": "Firefox"}, REMOTE_ADDR="192.0.2.9")
    assert response.status_code == 200
    assert response.getvalue() == PDF
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == 'attachment; filename="invoice.pdf"'
    assert response["Content-Length"] == str(len(PDF))
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Content-Type-Options"] == "nosniff"
    row = LinkRedemption.objects.get()
    assert (row.address, row.agent, row.complete, handed.uses) == ("192.0.2.9", "Firefox", True, 1)
    assert len(events(handed.link, "link.redeemed")) == 1
    assert visitor.get(handed.page).status_code == 410


def test_the_file_is_streamed_and_no_transaction_is_held(visitor: Client, handed: Handed) -> None:
    response = visitor.post(handed.page)
    assert response.streaming
    chunks = list(response)
    assert len(chunks) == -(-len(PDF) // storage.CHUNK_BYTES)


@pytest.mark.parametrize("method", ["get", "head", "post"])
@pytest.mark.parametrize(
    ("how", "headline"),
    [
        ("revoked", "This link has been withdrawn"),
        ("expired", "This link has expired"),
        ("spent", "This link has been used"),
        ("gone", "This document is no longer available"),
    ],
)
def test_an_ended_link_answers_410_and_tells_nothing_about_the_file(
    visitor: Client, handed: Handed, how: str, headline: str, method: str
) -> None:
    _end(handed, how)
    used = handed.uses
    response = getattr(visitor, method)(handed.page)
    page = response.content.decode()
    assert (response.status_code, handed.uses) == (410, used)
    assert method == "head" or headline in page
    assert "invoice" not in page
    assert response["Content-Type"].startswith("text/html")


def test_a_wrong_token_a_wrong_place_and_a_broken_address_look_alike(
    visitor: Client, alice: Member, file: StoredFile
) -> None:
    handed = hand_out(file, alice.caller, ip_whitelist=["192.0.2.0/24"])
    paths = [handed.page, f"/d/{'x' * 43}", f"/d/{handed.token[:-1]}", f"/d/{handed.token}a", f"/d/{handed.token}/"]
    paths += [f"/d/{handed.token}%0A", f"/d/{handed.token}/file/", "/d/", "/d", "/d/é", "/d/a/b/c"]
    answers = [getattr(visitor, method)(path) for path in paths for method in ("get", "post")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(set(answer.headers) - {"X-Request-ID"})) for answer in answers}) == 1
    assert handed.uses == 0
    (event,) = events(handed.link, "link.refused")
    assert (event.data["reason"], event.data["address"]) == ("address", "127.0.0.1")


@pytest.mark.parametrize("path", ["page", "wrong", "broken", "spent", "download"])
def test_every_answer_stays_out_of_caches_search_engines_and_referers(
    visitor: Client, handed: Handed, path: str
) -> None:
    if path == "spent":
        _end(handed, "spent")
    address = {"wrong": f"/d/{'x' * 43}", "broken": "/d/x"}.get(path, handed.page)
    response = visitor.post(address) if path == "download" else visitor.get(address)
    assert "no-store" in response["Cache-Control"]
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["X-Frame-Options"] == "DENY"
    assert response.getvalue()


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
def test_other_methods_answer_405(visitor: Client, handed: Handed, method: str) -> None:
    response = getattr(visitor, method)(handed.page)
    assert (response.status_code, response["Allow"], handed.uses) == (405, "GET, HEAD, POST", 0)


def test_a_missing_object_answers_503_and_spends_nothing(visitor: Client, handed: Handed) -> None:
    storage.delete(handed.link.file.key)
    response = visitor.post(handed.page)
    assert (response.status_code, response["Retry-After"], handed.uses) == (503, "5", 0)
    assert "your link is still good" in response.content.decode()


def test_a_storage_that_is_away_answers_503_and_spends_nothing(
    visitor: Client, handed: Handed, break_storage: Callable[[str], None]
) -> None:
    break_storage("open_stream")
    assert (visitor.post(handed.page).status_code, handed.uses) == (503, 0)


def test_a_database_that_is_away_answers_503(visitor: Client, handed: Handed, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_: Any) -> DownloadLink:
        raise OperationalError("away")

    monkeypatch.setattr(views, "link_peek", away)
    assert visitor.get(handed.page).status_code == 503


@dataclass(frozen=True)
class Way:
    """How a request comes to us, and what address we should believe."""

    proxies: int
    forwarded: str
    peer: str
    seen: str | None


@pytest.mark.parametrize(
    "way",
    [
        Way(0, "192.0.2.1", "203.0.113.9", "203.0.113.9"),
        Way(1, "192.0.2.1", "10.0.0.1", "192.0.2.1"),
        Way(1, "192.0.2.1, 203.0.113.9", "10.0.0.1", "203.0.113.9"),
        Way(2, "192.0.2.1, 203.0.113.9, 10.0.0.2", "10.0.0.1", "203.0.113.9"),
        Way(2, "192.0.2.1", "203.0.113.9", "203.0.113.9"),
        Way(1, "", "203.0.113.9", "203.0.113.9"),
        Way(1, "2001:db8::1", "10.0.0.1", "2001:db8::1"),
        Way(1, "::ffff:192.0.2.1", "10.0.0.1", "192.0.2.1"),
        Way(1, "nonsense", "192.0.2.1", None),
        Way(0, "", "::ffff:192.0.2.1", "192.0.2.1"),
        Way(0, "", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_a_visitors_address_is_what_trusted_proxies_saw(
    visitor: Client, alice: Member, file: StoredFile, settings: LazySettings, way: Way
) -> None:
    settings.TRUSTED_PROXIES = way.proxies
    anywhere = hand_out(file, alice.caller)
    inside = hand_out(file, alice.caller, ip_whitelist=["192.0.2.0/24", "2001:db8::/64"])
    headers = {"X-Forwarded-For": way.forwarded} if way.forwarded else {}
    visitor.post(anywhere.page, headers=headers, REMOTE_ADDR=way.peer).getvalue()
    assert LinkRedemption.objects.get().address == way.seen
    allowed = way.seen is not None and way.seen.startswith(("192.0.2.", "2001:db8:"))
    assert visitor.get(inside.page, headers=headers, REMOTE_ADDR=way.peer).status_code == (200 if allowed else 404)


def test_an_address_that_tries_many_wrong_links_is_held_off_and_a_right_one_still_opens(
    alice: Member, visitor: Client, settings: LazySettings
) -> None:
    handed = hand_out(store(alice.team), alice.caller)
    settings.UNAUTHENTICATED_PER_MINUTE = 3
    wrong = [f"/d/{new_token()}", f"/d/{new_token()}/file", "/d/cut-off"]
    assert [visitor.get(url).status_code for url in wrong] == [404] * 3
    for url in wrong:
        refused = visitor.get(url)
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert refused.headers["Cache-Control"] == "no-store"
    assert "Too many attempts" in visitor.get(wrong[0]).content.decode()
    assert visitor.get(wrong[1]).json()["code"] == "rate_limited"
    assert visitor.get(wrong[0], REMOTE_ADDR="198.51.100.7").status_code == 404
    assert visitor.get(handed.page).status_code == 200
    assert visitor.get(handed.download).getvalue() == PDF
