"""Who sends the bytes: a proxy from its disk, or the S3 server by an address that we signed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.conf import LazySettings
from django.core.files.storage import storages
from django.test import Client

from downloads_app import checks, deliveries
from downloads_app.models import LinkRedemption, StoredFile
from downloads_app.services import link_redeem
from pdfservice.lib import storage
from pdfservice.lib.addresses import parse_address
from tests.conftest import Member
from tests.downloads.conftest import PDF, Handed, events, hand_out, store
from tests.s3_server import ACCESS_KEY, BUCKET, REGION, SECRET_KEY, S3Server

NAME = 'Rechnung "№ 7" für Zoë.pdf'


@pytest.fixture(scope="session")
def s3_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running SeaweedFS."""
    server = S3Server(tmp_path_factory.mktemp("weed"))
    try:
        server.start()
        yield server.address
    finally:
        server.kill()


@pytest.fixture
def on_s3(s3_address: str, settings: LazySettings) -> str:
    """Keep files on S3 for one test, and return the server's address."""
    options = {
        "access_key": ACCESS_KEY,
        "secret_key": SECRET_KEY,
        "bucket_name": BUCKET,
        "endpoint_url": s3_address,
        "region_name": REGION,
        "addressing_style": "path",
        "signature_version": "s3v4",
        "file_overwrite": True,
    }
    backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.S3_BUCKET = BUCKET
    settings.STORAGES = {**settings.STORAGES, "default": backend, "public": backend}
    return s3_address


def signed(link: Handed, client: Client, method: str = "get") -> str:
    """Use a link and return where it leads."""
    path = link.download if method == "get" else link.page
    response = getattr(client, method)(path)
    assert (response.status_code, response.content) == (303, b"")
    return str(response["Location"])


@pytest.mark.slow
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_presigned_link_leads_to_the_file_for_a_minute(
    client: Client, alice: Member, on_s3: str, method: str
) -> None:
    handed = hand_out(store(alice.team, filename=NAME), alice.caller, delivery="presigned")
    address = signed(handed, client, method)
    assert address.startswith(on_s3)
    assert parse_qs(urlsplit(address).query)["X-Amz-Expires"] == ["60"]
    answer = httpx.get(address)
    assert (answer.status_code, answer.content) == (200, PDF)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''Rechnung")
    row = LinkRedemption.objects.get()
    assert (row.delivery, row.bytes_sent, row.complete, handed.uses) == ("presigned", 0, False, 1)
    (event,) = events(handed.link, "link.redeemed")
    assert (event.data["delivery"], event.data["address"]) == ("presigned", "127.0.0.1")
    assert client.get(handed.download).status_code == 410


@pytest.mark.slow
def test_a_signed_address_opens_nothing_else_and_not_for_long(
    client: Client, alice: Member, on_s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, other = store(alice.team), store(alice.team)
    address = signed(hand_out(file, alice.caller, delivery="presigned"), client)
    assert httpx.get(address.replace(file.key, other.key)).status_code == 403
    assert httpx.get(address.partition("?")[0]).status_code == 403
    monkeypatch.setattr(deliveries, "SIGNED_SECONDS", -1)
    late = signed(hand_out(file, alice.caller, delivery="presigned"), client)
    assert httpx.get(late).status_code in {400, 403}


@pytest.mark.slow
def test_a_missing_object_is_found_before_a_use_is_spent(client: Client, alice: Member, on_s3: str) -> None:
    handed = hand_out(store(alice.team), alice.caller, delivery="presigned")
    storage.delete(handed.link.file.key)
    response = client.get(handed.download)
    assert (response.status_code, handed.uses) == (503, 0)


@pytest.mark.slow
def test_the_page_lets_its_button_lead_to_the_s3_server(client: Client, alice: Member, on_s3: str) -> None:
    file = store(alice.team)
    page = client.get(hand_out(file, alice.caller, delivery="presigned").page)
    assert re.search(rf"form-action 'self' {re.escape(on_s3)}(;|$)", page["Content-Security-Policy"])
    policy = client.get(hand_out(file, alice.caller).page)["Content-Security-Policy"]
    assert re.search(r"form-action 'self'(;|$)", policy)


@pytest.mark.slow
def test_addresses_name_the_server_as_those_outside_know_it(
    client: Client, alice: Member, on_s3: str, settings: LazySettings
) -> None:
    backend = settings.STORAGES["public"]
    public = {**backend, "OPTIONS": {**backend["OPTIONS"], "endpoint_url": "https://files.example.com"}}
    settings.STORAGES = {**settings.STORAGES, "public": public}
    assert storages["public"] is not storages["default"]
    handed = hand_out(store(alice.team), alice.caller, delivery="presigned")
    assert signed(handed, client).startswith(f"https://files.example.com/{BUCKET}/pdf-output/")


@pytest.mark.slow
def test_a_stream_from_s3_breaks_off_and_goes_on(client: Client, alice: Member, on_s3: str) -> None:
    handed = hand_out(store(alice.team), alice.caller)
    content = link_redeem(token=handed.token, address=parse_address("127.0.0.1"), agent="").content
    next(content)
    next(content)
    content.close()
    first = storage.CHUNK_BYTES
    headers = {"Range": f"bytes={first}-", "If-Range": handed.link.file.etag}
    rest: Any = client.get(handed.download, headers=headers)
    assert (rest.status_code, rest.getvalue(), handed.uses) == (206, PDF[first:], 1)


@pytest.mark.slow
def test_a_presigned_link_and_an_address_list_exclude_each_other(alice: Member, on_s3: str) -> None:
    with pytest.raises(Exception, match="address list"):
        hand_out(store(alice.team), alice.caller, delivery="presigned", ip_whitelist=["10.0.0.0/8"])


def test_without_s3_there_is_no_presigned_delivery(alice: Member, file: StoredFile) -> None:
    with pytest.raises(Exception, match="needs files on S3"):
        hand_out(file, alice.caller, delivery="presigned")


def test_nginx_is_told_which_file_to_send(client: Client, alice: Member, settings: LazySettings) -> None:
    settings.SENDFILE, settings.SENDFILE_LOCATION = "x-accel-redirect", "/inside/"
    handed = hand_out(store(alice.team, filename=NAME), alice.caller)
    response = client.post(handed.page)
    assert (response.status_code, response.content) == (200, b"")
    assert response["X-Accel-Redirect"] == f"/inside/{handed.link.file.key}"
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"].startswith("attachment; filename*=utf-8''Rechnung")
    assert "no-store" in response["Cache-Control"]
    row = LinkRedemption.objects.get()
    assert (row.delivery, row.complete, handed.uses) == ("sendfile", False, 1)


def test_apache_is_told_the_path(client: Client, handed: Handed, settings: LazySettings) -> None:
    settings.SENDFILE = "x-sendfile"
    response = client.get(handed.download)
    with open(response["X-Sendfile"], "rb") as file:
        assert file.read() == PDF


def test_a_missing_file_is_found_before_the_proxy_is_told(
    client: Client, handed: Handed, settings: LazySettings
) -> None:
    settings.SENDFILE = "x-accel-redirect"
    storage.delete(handed.link.file.key)
    response = client.get(handed.download)
    assert (response.status_code, handed.uses) == (503, 0)
    assert "X-Accel-Redirect" not in response


def test_settings_that_make_no_sense_are_found(settings: LazySettings) -> None:
    assert checks.sendfile_has_files() == []
    settings.SENDFILE, settings.S3_BUCKET, settings.SENDFILE_LOCATION = "x-sendfile", "pdf", "inside"
    assert [found.id for found in checks.sendfile_has_files()] == ["downloads_app.E001", "downloads_app.E002"]
