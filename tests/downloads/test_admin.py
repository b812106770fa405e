"""The admin shows files, links and uses to members of their team, and lets nobody change them but revoke links."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from downloads_app.models import DownloadLink
from downloads_app.services import link_redeem
from pdfservice.teams.models import User
from tests.conftest import Member
from tests.downloads.conftest import Handed

LISTS = ["storedfile", "downloadlink", "linkredemption"]


@pytest.fixture
def superuser(client: Client, handed: Handed) -> Client:
    """A browser of a superuser, when there is something to see."""
    link_redeem(token=handed.token, address=None, agent="curl").content.close()
    root = User.objects.create_superuser("root", password="a long pass phrase")
    client.force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize("name", LISTS)
def test_a_superuser_sees_searches_and_filters(superuser: Client, handed: Handed, name: str) -> None:
    response = superuser.get(f"/admin/downloads_app/{name}/")
    assert response.status_code == 200
    assert b"invoice.pdf" in response.content
    assert handed.link.token_hash.encode() not in response.content
    found = superuser.get(f"/admin/downloads_app/{name}/", {"q": str(handed.link.file.external_id)[:8]})
    assert found.status_code == 200
    assert b"invoice.pdf" in superuser.get(f"/admin/downloads_app/{name}/", {"q": "invoice"}).content
    assert b"invoice.pdf" not in superuser.get(f"/admin/downloads_app/{name}/", {"q": "nothing-like-it"}).content


@pytest.mark.parametrize("name", LISTS)
def test_nothing_can_be_changed(superuser: Client, handed: Handed, name: str) -> None:
    pk = handed.link.file_id if name == "storedfile" else handed.link.pk
    row = handed.link.redemptions.get().pk if name == "linkredemption" else pk
    page = superuser.get(f"/admin/downloads_app/{name}/{row}/change/")
    assert page.status_code == 200
    assert handed.link.token_hash.encode() not in page.content
    assert superuser.post(f"/admin/downloads_app/{name}/{row}/change/", {}).status_code == 403
    assert superuser.post(f"/admin/downloads_app/{name}/{row}/delete/", {"post": "yes"}).status_code == 403
    assert superuser.get(f"/admin/downloads_app/{name}/add/").status_code == 403


@pytest.mark.parametrize("name", LISTS)
def test_members_see_their_own_teams_rows_and_no_others(
    alice: Member, charlie: Member, superuser: Client, name: str
) -> None:
    for person, sees in ((alice, True), (charlie, False)):
        page = person.browser.get(f"/admin/downloads_app/{name}/")
        assert page.status_code == 200
        assert (b"invoice.pdf" in page.content) is sees


def revoke(person: Member, link: DownloadLink, **more: str) -> Any:
    chosen = {"action": "revoke", "_selected_action": [str(link.pk)], **more}
    return person.browser.post("/admin/downloads_app/downloadlink/", chosen)


def test_a_link_is_revoked_after_a_question(alice: Member, handed: Handed) -> None:
    assert b"cannot be taken back" in revoke(alice, handed.link).content
    assert DownloadLink.objects.get().revoked_at is None
    assert revoke(alice, handed.link, confirmed="yes").status_code == 302
    assert DownloadLink.objects.get().revoked_at is not None


def test_neither_viewers_nor_strangers_revoke_links(bob: Member, charlie: Member, handed: Handed) -> None:
    for person in (bob, charlie):
        revoke(person, handed.link, confirmed="yes")
        assert DownloadLink.objects.get().revoked_at is None
