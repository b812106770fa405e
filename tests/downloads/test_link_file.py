"""`GET /d/<token>/file`: the download for programs."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from downloads_app.models import LinkRedemption, StoredFile
from downloads_app.services import link_revoke
from pdfservice.lib import storage
from tests.conftest import Member
from tests.downloads.conftest import PDF, Handed, hand_out

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_it_gives_the_file_and_spends_a_use(client: Client, handed: Handed) -> None:
    response = client.get(handed.download)
    assert (response.status_code, response.getvalue(), handed.uses) == (200, PDF, 1)
    assert response["ETag"] == f'"{handed.link.file.sha256}"'
    assert response["Accept-Ranges"] == "bytes"
    assert LinkRedemption.objects.get().complete


@pytest.mark.parametrize("headers", [{"Range": "bytes=0-9"}, {"Range": "bytes=-5", "If-None-Match": "*"}])
def test_a_use_is_always_the_whole_file(client: Client, handed: Handed, headers: dict[str, str]) -> None:
    response = client.get(handed.download, headers=headers)
    assert (response.status_code, response.getvalue()) == (200, PDF)


@pytest.mark.parametrize("method", ["head", "post", "put", "patch", "delete", "options"])
def test_other_methods_answer_405_and_spend_nothing(client: Client, handed: Handed, method: str) -> None:
    response = getattr(client, method)(handed.download)
    assert (response.status_code, response["Allow"], handed.uses) == (405, "GET", 0)
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("accept", [None, "*/*", "application/pdf", "application/json", "application/problem+json"])
def test_programs_are_refused_with_a_problem_document(client: Client, handed: Handed, accept: str | None) -> None:
    link_revoke(link=handed.link, actor="user:alice")
    response: Any = client.get(handed.download, headers={"Accept": accept} if accept else {})
    assert (response.status_code, response["Content-Type"]) == (410, "application/problem+json")
    assert (response.json()["code"], response["X-Robots-Tag"]) == ("link_revoked", "noindex, nofollow")
    assert "no-store" in response["Cache-Control"]


def test_browsers_are_refused_with_a_page(client: Client, handed: Handed) -> None:
    link_revoke(link=handed.link, actor="user:alice")
    response = client.get(handed.download, headers={"Accept": BROWSER})
    assert response.status_code == 410
    assert b"This link has been withdrawn" in response.content


def test_a_second_use_of_a_spent_link_answers_410(client: Client, handed: Handed) -> None:
    client.get(handed.download).getvalue()
    response: Any = client.get(handed.download)
    assert (response.status_code, response.json()["code"]) == (410, "link_spent")


def test_a_wrong_token_and_a_wrong_place_answer_alike(client: Client, alice: Member, file: StoredFile) -> None:
    elsewhere = hand_out(file, alice.caller, ip_whitelist=["192.0.2.0/24"])
    answers = [client.get(elsewhere.download), client.get(f"/d/{'x' * 43}/file")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


def test_a_missing_object_answers_503_and_spends_nothing(client: Client, handed: Handed) -> None:
    storage.delete(handed.link.file.key)
    response: Any = client.get(handed.download)
    assert (response.status_code, response.json()["code"], handed.uses) == (503, "unavailable", 0)


def test_the_senders_key_in_the_request_changes_nothing(charlie: Member, handed: Handed) -> None:
    assert charlie.api.get(handed.download).getvalue() == PDF  # the token alone counts, whoever holds it
