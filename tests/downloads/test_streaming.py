"""Files for API callers: conditional, resumable, named right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.http.response import HttpResponseBase
from django.test import RequestFactory

from downloads_app.models import StoredFile
from downloads_app.services import file_discard
from downloads_app.streaming import file_response
from pdfservice.lib import storage
from pdfservice.lib.errors import ServiceError
from tests.conftest import Member
from tests.downloads.conftest import PDF, expire, store

SIZE = len(PDF)


def _get(file: StoredFile, method: str = "GET", **headers: str) -> HttpResponseBase:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return file_response(RequestFactory().generic(method, "/", headers=named), file)


def _bytes(response: HttpResponseBase) -> bytes:
    body: Any = response
    data: bytes = body.getvalue()
    response.close()
    return data


def test_a_file_comes_whole_with_its_headers(file: StoredFile) -> None:
    response = _get(file)
    assert (response.status_code, response.streaming, _bytes(response)) == (200, True, PDF)
    assert dict(response.headers) == {
        "Content-Type": "application/pdf",
        "Content-Length": str(SIZE),
        "Content-Disposition": 'attachment; filename="invoice.pdf"',
        "X-Content-Type-Options": "nosniff",
        "ETag": f'"{file.sha256}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
    }


def test_a_file_may_be_shown_in_the_browser(file: StoredFile) -> None:
    response = file_response(RequestFactory().get("/"), file, attachment=False)
    assert response["Content-Disposition"] == 'inline; filename="invoice.pdf"'
    response.close()


def test_head_gives_the_headers_without_asking_the_storage(file: StoredFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(storage, "open_stream")
    response = _get(file, "HEAD", Range="bytes=0-9")
    assert (response.status_code, response["Content-Length"], _bytes(response)) == (200, str(SIZE), b"")
    assert response["Content-Type"] == "application/pdf"


@pytest.mark.parametrize("known", ['"{tag}"', 'W/"{tag}"', '"other", "{tag}"', "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_file_that_the_caller_has_is_not_sent_again(file: StoredFile, method: str, known: str) -> None:
    response = _get(file, method, If_None_Match=known.format(tag=file.sha256), Range="bytes=0-9")
    assert (response.status_code, _bytes(response), response["ETag"]) == (304, b"", f'"{file.sha256}"')
    assert "Content-Type" not in response.headers


@pytest.mark.parametrize("known", ['"other"', "", "{tag}"])
def test_a_file_that_the_caller_does_not_have_is_sent(file: StoredFile, known: str) -> None:
    assert _bytes(_get(file, If_None_Match=known.format(tag=file.sha256))) == PDF


@pytest.mark.parametrize(
    ("asked_for", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=100000-", 100_000, SIZE - 1),
        ("bytes=-1", SIZE - 1, SIZE - 1),
        ("bytes=-70000", SIZE - 70_000, SIZE - 1),
        (f"bytes=-{SIZE * 2}", 0, SIZE - 1),
        (f"bytes=5-{SIZE * 2}", 5, SIZE - 1),
        (f"bytes={SIZE - 1}-{SIZE - 1}", SIZE - 1, SIZE - 1),
    ],
)
def test_a_range_gives_its_bytes(file: StoredFile, asked_for: str, first: int, last: int) -> None:
    response = _get(file, Range=asked_for)
    assert (response.status_code, _bytes(response)) == (206, PDF[first : last + 1])
    assert response["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert response["Content-Length"] == str(last + 1 - first)


@pytest.mark.parametrize("asked_for", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 9}", "bytes=-0"])
def test_a_range_beyond_the_end_answers_416(file: StoredFile, asked_for: str) -> None:
    response = _get(file, Range=asked_for)
    assert (response.status_code, response["Content-Range"], _bytes(response)) == (416, f"bytes */{SIZE}", b"")


@pytest.mark.parametrize(
    "asked_for", ["bytes=-", "bytes=9-5", "bytes=0-1,5-6", "bytes=a-b", "lines=1-2", "bytes 0-5", "bytes=\u0663-\u0665"]
)
def test_what_is_not_one_range_gives_the_whole(file: StoredFile, asked_for: str) -> None:
    response = _get(file, Range=asked_for)
    assert (response.status_code, _bytes(response)) == (200, PDF)


@pytest.mark.parametrize(
    ("if_range", "status"),
    [('"{tag}"', 206), ('W/"{tag}"', 200), ('"other"', 200), ("Sun, 22 Nov 2026 00:00:00 GMT", 200)],
)
def test_if_range_holds_only_for_exactly_this_file(file: StoredFile, if_range: str, status: int) -> None:
    response = _get(file, Range="bytes=0-9", If_Range=if_range.format(tag=file.sha256))
    assert response.status_code == status
    response.close()


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("plain.pdf", 'filename="plain.pdf"'),
        ('say "hi".pdf', r'filename="say \"hi\".pdf"'),
        ("Größe №7 📄.pdf", f"filename*=utf-8''{quote('Größe №7 📄.pdf')}"),
        ("👨‍👩‍👧.pdf", f"filename*=utf-8''{quote('👨‍👩‍👧.pdf')}"),
        ("a.pdf\r\nSet-Cookie: x=1", 'filename="a.pdfSet-Cookie: x=1"'),
        ("ends.pdf\n", 'filename="ends.pdf"'),
        ("../../etc/passwd", 'filename=".._.._etc_passwd"'),
        ("C:\\x.pdf", 'filename="C:_x.pdf"'),
        ("invoice\u202efdp.exe", 'filename="invoicefdp.exe"'),
        ("50%;x=1.pdf", 'filename="50%;x=1.pdf"'),
        ("", 'filename="document"'),
        ("\n\t", 'filename="document"'),
    ],
)
def test_any_file_name_makes_a_sound_header(alice: Member, filename: str, expected: str) -> None:
    response = _get(store(alice.team, filename=filename))
    assert response["Content-Disposition"] == f"attachment; {expected}"
    response.close()


@pytest.mark.parametrize("how", ["expired", "discarded"])
def test_a_file_that_is_gone_answers_410(file: StoredFile, how: str) -> None:
    expire(file) if how == "expired" else file_discard(file_id=file.pk)
    with pytest.raises(ServiceError) as refusal:
        _get(file)
    assert (refusal.value.status, refusal.value.code) == (410, "file_gone")


def test_a_file_that_expires_while_it_is_opened_answers_410(file: StoredFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def overtaken(*_: Any, **__: Any) -> Iterator[bytes]:
        file_discard(file_id=file.pk)
        raise storage.ObjectMissing(file.key)

    monkeypatch.setattr(storage, "open_stream", overtaken)
    with pytest.raises(ServiceError) as refusal:
        _get(file)
    assert refusal.value.status == 410


def test_an_object_that_the_storage_lost_is_its_fault(file: StoredFile) -> None:
    storage.delete(file.key)
    with pytest.raises(storage.ObjectMissing):
        _get(file)


def test_a_large_file_is_never_held_whole(file: StoredFile, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def endless(*_: Any, **__: Any) -> Iterator[bytes]:
        for number in range(1_000_000):
            taken.append(number)
            yield b"x"

    monkeypatch.setattr(storage, "open_stream", endless)
    response: Any = _get(file)
    next(iter(response.streaming_content))
    response.close()
    assert len(taken) == 1
