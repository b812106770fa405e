"""`/pdf/brand`: how a team looks to those who get its documents."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from pdfservice.lib import storage
from pdfservice.teams.models import AuditEvent, Team
from tests.conftest import Member

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><rect width="90" height="30"/></svg>'


def picture(kind: str = "PNG", size: tuple[int, int] = (90, 30)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, "navy").save(stream, kind)
    return stream.getvalue()


def put_logo(member: Member, data: bytes, name: str = "logo.png") -> Any:
    return member.api.put("/pdf/brand/logo", {"file": SimpleUploadedFile(name, data)}, format="multipart")


def test_an_admin_sets_name_and_colour(alice: Member) -> None:
    answer = alice.api.patch("/pdf/brand", {"name": "Acme & Söhne", "color": "#FFE000"}, format="json")
    shape = {"name": "Acme & Söhne", "color": "#ffe000", "logo_sha256": "", "logo_content_type": ""}
    assert (answer.status_code, answer.json()) == (200, shape)
    assert alice.api.get("/pdf/brand").json() == shape
    event = AuditEvent.objects.get(action="team.brand_changed")
    assert (event.team, event.actor) == (alice.team, f"key:{alice.api_key.prefix}")
    assert alice.api.patch("/pdf/brand", {"color": ""}, format="json").json() == {**shape, "color": ""}


@pytest.mark.parametrize("body", [{"color": "red"}, {"color": "#fff"}, {"name": "x" * 101}, {"logo_sha256": "x"}, [1]])
def test_what_is_no_brand_is_refused(alice: Member, body: Any) -> None:
    assert alice.api.patch("/pdf/brand", body, format="json").status_code == 400
    assert not AuditEvent.objects.filter(action="team.brand_changed").exists()


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (picture(), "image/png"),
        (picture("JPEG"), "image/jpeg"),
        (picture("WEBP"), "image/webp"),
        (SVG, "image/svg+xml"),
    ],
    ids=["png", "jpeg", "webp", "svg"],
)
def test_a_logo_is_what_its_bytes_say(alice: Member, data: bytes, content_type: str) -> None:
    answer = put_logo(alice, data, "logo.exe")
    assert (answer.status_code, answer.json()["logo_content_type"]) == (200, content_type)
    team = Team.objects.get(pk=alice.team.pk)
    assert storage.read(team.logo_key) == data
    assert AuditEvent.objects.filter(action="team.logo_changed").count() == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        picture()[:60],
        picture(size=(2001, 10)),
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b'<svg xmlns="http://www.w3.org/2000/svg"><image href="https://example.com/x.png"/></svg>',
        b"\x00\x01\x00\x00no font",
    ],
    ids=["empty", "text", "cut", "large", "script", "handler", "outside", "font"],
)
def test_what_is_no_harmless_picture_is_refused(alice: Member, data: bytes) -> None:
    answer = put_logo(alice, data)
    assert answer.status_code in {400, 422}, answer.content
    assert answer.json()["errors"][0]["pointer"] == "/file"
    assert Team.objects.get(pk=alice.team.pk).logo_key == ""


def test_a_logo_of_more_than_256_kib_is_refused(alice: Member) -> None:
    assert put_logo(alice, SVG + b" " * (256 << 10)).status_code == 413
    assert put_logo(alice, SVG + b" " * (512 << 10)).status_code == 413


def test_a_logo_is_removed(alice: Member) -> None:
    put_logo(alice, SVG)
    key = Team.objects.get(pk=alice.team.pk).logo_key
    assert alice.api.delete("/pdf/brand/logo").status_code == 204
    assert alice.api.get("/pdf/brand").json()["logo_sha256"] == ""
    with pytest.raises(storage.ObjectMissing):
        storage.open_stream(key)
    assert alice.api.delete("/pdf/brand/logo").status_code == 204


def test_only_admins_may_and_only_their_own_team(bob: Member, alice: Member, charlie: Member) -> None:
    calls = [("get", "/pdf/brand"), ("patch", "/pdf/brand"), ("put", "/pdf/brand/logo"), ("delete", "/pdf/brand/logo")]
    for method, path in calls:
        assert getattr(bob.api, method)(path).status_code == 403
    charlie.api.patch("/pdf/brand", {"color": "#000000"}, format="json")
    assert alice.api.get("/pdf/brand").json()["color"] == ""
    assert alice.api.post("/pdf/brand").status_code == 405
