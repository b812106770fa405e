"""`/d/<token>/colours.css`, `/logo`, `/preview`: what the page shows besides its text."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from django.test import Client
from PIL import Image

from downloads_app.models import LinkRedemption, StoredFile
from downloads_app.services import file_discard, files_expire, link_redeem, link_revoke, preview_store
from pdfservice.lib import storage
from pdfservice.lib.errors import ServiceError
from pdfservice.teams.brand import brand_change, logo_set
from tests.conftest import Member
from tests.downloads.conftest import Handed, expire, hand_out, store

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><rect width="90" height="30" fill="#0a5"/></svg>'
PARTS = ["colours.css", "logo", "preview"]


def png() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (60, 80), "white").save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def branded(alice: Member, file: StoredFile) -> Handed:
    """A link of a team with a brand, to a file with a picture that may be shown."""
    brand_change(team=alice.team, actor="test", brand_name="Acme <Ltd>", brand_color="#ffe000")
    logo_set(team=alice.team, data=SVG, content_type="image/svg+xml", actor="test")
    StoredFile.objects.filter(pk=file.pk).update(page_count=12)
    preview_store(file=file, png=png())
    return hand_out(file, alice.caller, preview=True)


def test_the_page_is_on_brand_and_shows_the_first_page(client: Client, branded: Handed) -> None:
    page = client.get(branded.page).content.decode()
    assert "<bdi>Acme &lt;Ltd&gt;</bdi>" in page
    assert f'<link rel="stylesheet" href="{branded.page}/colours.css">' in page
    assert f'<img class="logo" src="{branded.page}/logo" alt="">' in page
    assert f'src="{branded.page}/preview" alt="First page of the document"' in page
    assert "<dt>Pages</dt><dd>12</dd>" in page


def test_without_a_brand_the_page_has_the_teams_name_and_nothing_else(client: Client, handed: Handed) -> None:
    page = client.get(handed.page).content.decode()
    assert "<bdi>Acme</bdi>" in page
    assert "<dt>Pages</dt>" not in page
    assert not [part for part in PARTS if f"{handed.page}/{part}" in page]
    assert [client.get(f"{handed.page}/{part}").status_code for part in PARTS] == [200, 404, 404]
    assert client.get(f"{handed.page}/colours.css").content == b""


def test_the_parts_are_what_was_stored(client: Client, branded: Handed) -> None:
    logo = client.get(f"{branded.page}/logo")
    picture = client.get(f"{branded.page}/preview")
    assert (logo["Content-Type"], logo.content) == ("image/svg+xml", SVG)
    assert (picture["Content-Type"], picture.content) == ("image/png", png())
    for response in (logo, picture):
        assert response["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        assert response["X-Content-Type-Options"] == "nosniff"
    sheet = client.get(f"{branded.page}/colours.css")
    assert sheet["Content-Type"].startswith("text/css")
    assert "--accent: #ffe000; " in sheet.content.decode()
    assert "--on-accent: #000000; " in sheet.content.decode()


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("method", ["get", "head"])
def test_parts_spend_nothing_and_stay_out_of_caches(client: Client, branded: Handed, part: str, method: str) -> None:
    for _ in range(3):
        response = getattr(client, method)(f"{branded.page}/{part}")
        assert response.status_code == 200
        assert response["Cache-Control"] == "no-store"
        assert response["Referrer-Policy"] == "no-referrer"
    assert branded.uses == 0
    assert not LinkRedemption.objects.exists()


def _revoke(handed: Handed) -> None:
    link_revoke(link=handed.link, actor="test")


def _spend(handed: Handed) -> None:
    link_redeem(token=handed.token, address=None, agent="").content.close()


def _pass(handed: Handed) -> None:
    expire(handed.link)


def _delete(handed: Handed) -> None:
    file_discard(file_id=handed.link.file_id)


@pytest.mark.parametrize("end", [_revoke, _spend, _pass, _delete])
def test_an_ended_link_shows_no_part_of_it(client: Client, branded: Handed, end: Callable[[Handed], None]) -> None:
    end(branded)
    for part in PARTS:
        response = client.get(f"{branded.page}/{part}")
        assert (response.status_code, response.content) == (410, b"")
    page = client.get(branded.page).content.decode()
    assert "Acme" not in page
    assert "/preview" not in page


def test_a_wrong_token_has_no_parts(client: Client, branded: Handed) -> None:
    answers = [client.get(f"/d/{'x' * 43}/{part}") for part in PARTS]
    assert [(answer.status_code, answer.content) for answer in answers] == [(404, b"")] * 3


def test_a_link_whose_maker_did_not_ask_for_it_shows_no_picture(client: Client, branded: Handed, alice: Member) -> None:
    other = hand_out(branded.link.file, alice.caller)
    assert "/preview" not in client.get(other.page).content.decode()
    assert client.get(f"{other.page}/preview").status_code == 404


@pytest.mark.parametrize("part", ["logo", "preview"])
def test_a_storage_that_is_away_costs_the_picture_alone(
    client: Client, branded: Handed, part: str, break_storage: Callable[[str], None]
) -> None:
    break_storage("open_stream")
    assert client.get(f"{branded.page}/{part}").status_code == 503
    assert client.get(branded.page).status_code == 200


@pytest.mark.parametrize("part", ["logo", "preview"])
def test_a_picture_that_is_lost_answers_404(client: Client, branded: Handed, part: str) -> None:
    branded.link.file.refresh_from_db()
    key = branded.link.file.team.logo_key if part == "logo" else branded.link.file.preview_key
    storage.delete(key)
    assert client.get(f"{branded.page}/{part}").status_code == 404


def test_the_picture_dies_with_the_file(branded: Handed) -> None:
    file = branded.link.file
    file.refresh_from_db()
    expire(file)
    assert files_expire() == 1
    with pytest.raises(storage.ObjectMissing):
        storage.open_stream(file.preview_key)


def test_a_picture_that_comes_after_the_end_of_its_file_is_not_kept(
    alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = store(alice.team)
    put = storage.put

    def slow_put(key: str, data: bytes, *, content_type: str) -> storage.StoredObject:
        file_discard(file_id=file.pk)
        return put(key, data, content_type=content_type)

    monkeypatch.setattr(storage, "put", slow_put)
    with pytest.raises(ServiceError) as refused:
        preview_store(file=file, png=png())
    assert refused.value.status == 410
    with pytest.raises(storage.ObjectMissing):
        storage.open_stream(storage.preview_key(file.external_id))


def test_a_former_logo_leaves_the_storage(alice: Member) -> None:
    first = logo_set(team=alice.team, data=SVG, content_type="image/svg+xml", actor="test").logo_key
    second = logo_set(team=alice.team, data=png(), content_type="image/png", actor="test").logo_key
    assert storage.read(second) == png()
    with pytest.raises(storage.ObjectMissing):
        storage.open_stream(first)
