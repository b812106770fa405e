"""The admin shows files, links and uses to superusers, and lets nobody change them."""

from __future__ import annotations

import pytest
from django.test import Client

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
def test_staff_of_a_team_sees_none_of_it(alice: Member, charlie: Member, handed: Handed, name: str) -> None:
    for person in (alice, charlie):
        assert person.browser.get(f"/admin/downloads_app/{name}/").status_code == 403
