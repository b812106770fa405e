"""/pdf/watermarks"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from pdfservice.lib import storage
from pdfservice.teams.models import AuditEvent
from pdfservice.teams.scopes import Role, Scope
from templates_app.authoring import watermarks
from templates_app.models import WatermarkConfig, WatermarkImage
from tests.conftest import Member, member
from tests.templates.test_assets_api import picture

URL = "/pdf/watermarks"
TEXT: dict[str, Any] = {"name": "Secret", "type": "text", "content": "CONFIDENTIAL"}


def made(who: Member, **fields: Any) -> Any:
    """Make a text watermark; return the answer."""
    return who.api.post(URL, {**TEXT, **fields}, format="json")


def uploaded(who: Member, data: bytes, **fields: Any) -> Any:
    """Make an image watermark; return the answer."""
    file = SimpleUploadedFile("logo.png", data)
    return who.api.post(URL, {"name": "Logo", "type": "image", "file": file, **fields}, format="multipart")


def pointers(response: Any) -> list[str]:
    """Return where the faults of a problem document are."""
    assert response.headers["Content-Type"] == "application/problem+json"
    return sorted(fault["pointer"] for fault in response.json()["errors"])


def test_a_text_watermark_has_defaults(alice: Member) -> None:
    response = made(alice)
    assert response.status_code == 201
    shown = response.json()
    times = {shown.pop("created_at"), shown.pop("updated_at")}
    assert None not in times
    assert shown == {
        "id": str(WatermarkConfig.objects.get().external_id),
        **TEXT,
        "image": None,
        "opacity": 0.15,
        "rotation_deg": 45.0,
        "font_size": None,
        "width_percent": None,
        "color_hex": "#808080",
        "repeat_tile": False,
        "position": "above",
        "pages": "",
    }
    assert alice.api.get(f"{URL}/{shown['id']}").json()["content"] == "CONFIDENTIAL"
    event = AuditEvent.objects.get(action="watermark.created")
    assert (str(event.subject_id), event.actor, event.data["watermark"]) == (shown["id"], alice.caller.actor, "Secret")


def test_an_image_watermark_keeps_its_bytes_under_their_hash(alice: Member) -> None:
    data = picture("PNG")
    response = uploaded(alice, data, width_percent="40", repeat_tile="true")
    assert response.status_code == 201, response.content
    shown = response.json()
    assert shown["image"] == {
        "sha256": hashlib.sha256(data).hexdigest(),
        "content_type": "image/png",
        "size_bytes": len(data),
    }
    assert (shown["width_percent"], shown["repeat_tile"], shown["content"]) == (40.0, True, "")
    assert storage.read(WatermarkImage.objects.get().storage_key) == data


def test_a_form_that_names_no_box_unticks_none(alice: Member) -> None:
    shown = uploaded(alice, picture("PNG"), repeat_tile="true").json()
    url = f"{URL}/{shown['id']}"
    assert alice.api.patch(url, {"opacity": "0.5"}, format="multipart").json()["repeat_tile"] is True


@pytest.mark.parametrize("data", [b"GIF89a", b"<html>", b"\x89PNG\r\n\x1a\n broken", b"%PDF-1.7"])
def test_what_is_no_image_is_refused_and_nothing_is_kept(alice: Member, data: bytes) -> None:
    response = uploaded(alice, data)
    assert response.status_code == 422
    assert pointers(response) == ["/file"]
    assert not WatermarkConfig.objects.exists()
    assert not WatermarkImage.objects.exists()


def test_a_font_is_no_image(alice: Member) -> None:
    from tests.templates.test_assets_api import woff

    assert uploaded(alice, woff(None)).status_code == 422


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"content": ""}, "/content"),
        ({"content": "   "}, "/content"),
        ({"content": "\u200d\u200d"}, "/content"),
        ({"content": "a\x07b"}, "/content"),
        ({"content": "a\u2028b"}, "/content"),
        ({"content": "1\n2\n3\n4\n5\n6"}, "/content"),
        ({"content": "x" * 201}, "/content"),
        ({"opacity": 0}, "/opacity"),
        ({"opacity": 1.1}, "/opacity"),
        ({"rotation_deg": 361}, "/rotation_deg"),
        ({"font_size": 3}, "/font_size"),
        ({"color_hex": "red"}, "/color_hex"),
        ({"color_hex": "#80808"}, "/color_hex"),
        ({"position": "behind"}, "/position"),
        ({"pages": "0"}, "/pages"),
        ({"type": "video"}, "/type"),
        ({"name": ""}, "/name"),
        ({"colour": "#808080"}, "/colour"),
        ({"width_percent": 50}, "/width_percent"),
        ({"opacity": 0, "pages": "x"}, "/opacity /pages"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(alice: Member, fields: dict[str, Any], place: str) -> None:
    response = made(alice, **fields)
    assert response.status_code == 400
    assert pointers(response) == place.split()


def test_a_text_without_text_and_an_image_without_image_are_refused(alice: Member) -> None:
    response = alice.api.post(URL, {"name": "x", "type": "text"}, format="json")
    assert (response.status_code, pointers(response)) == (400, ["/content"])
    response = alice.api.post(URL, {"name": "x", "type": "image"}, format="json")
    assert (response.status_code, pointers(response)) == (400, ["/file"])
    response = uploaded(alice, picture("PNG"), content="text", font_size="10")
    assert (response.status_code, pointers(response)) == (400, ["/content", "/font_size"])


def test_a_name_is_taken_once_in_a_team(alice: Member, charlie: Member) -> None:
    assert made(alice).status_code == 201
    again = made(alice, content="other")
    assert (again.status_code, again.json()["code"], pointers(again)) == (409, "name_taken", ["/name"])
    assert made(charlie).status_code == 201


def test_changes_are_seen_and_recorded(alice: Member) -> None:
    shown = made(alice).json()
    url = f"{URL}/{shown['id']}"
    changed = alice.api.patch(url, {"opacity": 0.5, "pages": "1"}, format="json")
    assert changed.status_code == 200
    assert (changed.json()["opacity"], changed.json()["pages"], changed.json()["content"]) == (0.5, "1", "CONFIDENTIAL")
    assert changed.json()["updated_at"] > shown["updated_at"]
    assert AuditEvent.objects.get(action="watermark.changed").data["fields"] == ["opacity", "pages"]
    assert pointers(alice.api.patch(url, {"type": "image"}, format="json")) == ["/type"]
    made(alice, name="Other")
    assert alice.api.patch(url, {"name": "Other"}, format="json").status_code == 409


def test_an_image_is_replaced_and_let_go_of_only_after_a_while(alice: Member, settings: LazySettings) -> None:
    url = f"{URL}/{uploaded(alice, picture('PNG')).json()['id']}"
    old = WatermarkImage.objects.get()
    file = SimpleUploadedFile("b.jpg", picture("JPEG"))
    assert alice.api.patch(url, {"file": file}, format="multipart").json()["image"]["content_type"] == "image/jpeg"
    assert watermarks.images_forget() == 0
    assert WatermarkImage.objects.count() == 2
    long_ago = now() - timedelta(days=settings.ARCHIVE_AFTER_DAYS, seconds=1)
    WatermarkImage.objects.filter(released_at__isnull=False).update(released_at=long_ago)
    assert watermarks.images_forget() == 1
    assert not WatermarkImage.objects.filter(pk=old.pk).exists()
    assert alice.api.get(url).json()["image"]["content_type"] == "image/jpeg"


def test_a_deleted_one_is_gone_and_its_image_let_go_of(alice: Member) -> None:
    url = f"{URL}/{uploaded(alice, picture('PNG')).json()['id']}"
    assert alice.api.delete(url).status_code == 204
    assert alice.api.get(url).status_code == alice.api.delete(url).status_code == 404
    assert WatermarkImage.objects.get().released_at is not None
    assert AuditEvent.objects.filter(action="watermark.deleted").count() == 1


def test_the_newest_come_first_a_page_at_a_time(alice: Member) -> None:
    for number in range(3):
        made(alice, name=f"n{number}")
    page = alice.api.get(URL, {"limit": 2}).json()
    names = [item["name"] for item in page["results"]]
    assert names[0] == "n2"


def test_another_teams_watermark_is_not_there(alice: Member, charlie: Member) -> None:
    url = f"{URL}/{made(alice).json()['id']}"
    assert charlie.api.get(url).status_code == 404
    assert charlie.api.patch(url, {"opacity": 1}, format="json").status_code == 404
    assert charlie.api.delete(url).status_code == 404
    assert charlie.api.get(URL).json()["results"] == []
    assert alice.api.get(f"{URL}/{uuid4()}").status_code == 404
    assert WatermarkConfig.objects.get().opacity == 0.15


def test_scopes_decide(alice: Member, bob: Member) -> None:
    url = f"{URL}/{made(alice).json()['id']}"
    assert bob.api.get(url).status_code == bob.api.get(URL).status_code == 200
    assert made(bob, name="x").status_code == 403
    assert bob.api.patch(url, {}, format="json").status_code == bob.api.delete(url).status_code == 403
    program = member("dora", alice.team, Role.OPERATOR, scopes=[Scope.JOBS_WRITE])
    assert program.api.get(URL).status_code == 403
    assert alice.api.put(url, {}, format="json").status_code == 405


def test_the_database_refuses_a_watermark_that_shows_nothing(alice: Member) -> None:
    for fields in ({"type": "text", "content": ""}, {"type": "image", "content": ""}, {"type": "x", "content": "y"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            WatermarkConfig.objects.create(team=alice.team, name="n", **fields)
