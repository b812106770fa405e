"""The storage door, on a directory and on a real S3 server."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ConnectionClosedError
from django.conf import LazySettings

from pdfservice.lib import storage
from tests.s3_server import ACCESS_KEY, BUCKET, REGION, SECRET_KEY, S3Server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run SeaweedFS and return the address of its S3 side, with a bucket named `pdf`."""
    server = S3Server(tmp_path_factory.mktemp("weed"))
    try:
        server.start()
        yield server.address
    finally:
        server.kill()


@pytest.fixture(params=["directory", pytest.param("s3", marks=pytest.mark.slow)])
def kind(request: pytest.FixtureRequest, settings: LazySettings) -> str:
    """Both kinds of storage, one after the other."""
    if request.param == "s3":
        options = {
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
            "bucket_name": BUCKET,
            "endpoint_url": request.getfixturevalue("s3_server"),
            "region_name": REGION,
            "addressing_style": "path",
            "signature_version": "s3v4",
            "file_overwrite": True,
        }
        settings.STORAGES = {
            **settings.STORAGES,
            "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options},
        }
    return str(request.param)


@pytest.fixture
def key() -> str:
    """A key of this test's own."""
    return f"pdf-output/2026/11/{uuid.uuid4()}.pdf"


def test_what_is_put_can_be_read(kind: str, key: str) -> None:
    data = os.urandom(300_000)
    stored = storage.put(key, data, content_type="application/pdf")
    assert (stored.key, stored.size_bytes, stored.sha256) == (key, len(data), hashlib.sha256(data).hexdigest())
    assert storage.read(key) == data
    assert len(list(storage.open_stream(key))) > 1


def test_an_open_file_is_put_whole_and_stays_open(kind: str, key: str, tmp_path: Path) -> None:
    data = os.urandom(9 << 20)  # more than S3 takes in one part
    with (tmp_path / "file").open("w+b") as file:
        file.write(data)
        for _ in range(2):
            stored = storage.put_file(key, file, content_type="application/zip")
            assert (stored.size_bytes, stored.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert storage.read(key) == data


def test_a_window_of_it_can_be_read(kind: str, key: str) -> None:
    data = os.urandom(200_000)
    storage.put(key, data, content_type="application/pdf")
    assert b"".join(storage.open_stream(key, offset=70_000, length=100_000)) == data[70_000:170_000]
    assert b"".join(storage.open_stream(key, offset=199_999)) == data[199_999:]
    assert b"".join(storage.open_stream(key, length=1)) == data[:1]


def test_putting_again_replaces(kind: str, key: str) -> None:
    storage.put(key, b"first", content_type="application/pdf")
    storage.put(key, b"second", content_type="application/pdf")
    assert storage.read(key) == b"second"


def test_what_is_deleted_is_missing_at_once(kind: str, key: str) -> None:
    storage.put(key, b"x", content_type="application/pdf")
    storage.delete(key)
    storage.delete(key)
    with pytest.raises(storage.ObjectMissing):
        storage.open_stream(key)


def test_the_storage_answers(kind: str) -> None:
    storage.ping()


def test_a_bucket_that_is_away_is_unavailable(settings: LazySettings, key: str) -> None:
    from botocore.config import Config

    options = {
        "access_key": ACCESS_KEY,
        "secret_key": SECRET_KEY,
        "bucket_name": "pdf",
        "endpoint_url": "http://127.0.0.1:1",
        "region_name": REGION,
        "client_config": Config(retries={"max_attempts": 0}, connect_timeout=1),
    }
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options},
    }
    for ask in (storage.ping, lambda: storage.open_stream(key), lambda: storage.put(key, b"x", content_type="a/b")):
        with pytest.raises(storage.StorageUnavailable):
            ask()


def test_a_connection_that_breaks_is_unavailable_too(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ConnectionClosedError(endpoint_url="http://s3")

    monkeypatch.setattr("pdfservice.lib.storage_local.DurableFileSystemStorage.delete", broken)
    with pytest.raises(storage.StorageUnavailable):
        storage.delete(key)


def test_a_file_appears_whole_or_not_at_all(
    settings: LazySettings, tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(storage.StorageUnavailable):
        storage.put(key, b"x", content_type="application/pdf")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_later_claim_writes_beside_the_first() -> None:
    at, job = datetime(2026, 3, 7, tzinfo=UTC), uuid.uuid4()
    assert storage.output_key(at, job, 1) == f"pdf-output/2026/03/{job}.pdf"
    assert storage.output_key(at, job, 3) == f"pdf-output/2026/03/{job}-3.pdf"


def test_what_lies_under_a_prefix_is_found_with_its_time(kind: str) -> None:
    place = f"assets/{uuid.uuid4()}"
    began = datetime.now(UTC) - timedelta(seconds=2)
    keys = {f"{place}/{number}" for number in range(3)}
    for key in keys:
        storage.put(key, b"x", content_type="text/plain")
    storage.put(f"{place}-other/x", b"x", content_type="text/plain")
    found = list(storage.objects_under(f"{place}/"))
    assert {item.key for item in found} == keys
    assert all(began <= item.changed_at <= datetime.now(UTC) + timedelta(seconds=2) for item in found)
    assert list(storage.objects_under("nothing/here/")) == []
