"""Watermarks in the admin, with a picture that follows the form."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from pdfservice.teams.models import AuditEvent
from templates_app.models import WatermarkConfig
from tests.conftest import Member
from tests.templates.conftest import Author

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/templates_app/watermarkconfig/"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><rect width="40" height="40" fill="#00f"/></svg>'
FORM = {
    "name": "Draft",
    "type": "text",
    "content": "DRAFT",
    "opacity": "0.5",
    "rotation_deg": "45",
    "color_hex": "#ff0000",
    "position": "above",
    "pages": "",
}


def form(member: Member, **said: Any) -> dict[str, Any]:
    """Return what the form sends."""
    return {**FORM, "team": member.team.pk, **said}


def file() -> SimpleUploadedFile:
    """Return a blue square."""
    return SimpleUploadedFile("blue.svg", SVG)


def look(member: Member, **said: Any) -> Any:
    """Ask for the picture of a form."""
    return member.browser.post(f"{LIST}picture/", {**form(member), "sitting": "s", **said})


def colours(answer: Any) -> tuple[int, int]:
    """Return how many pixels of a picture are reddish, and how many bluish."""
    assert answer.status_code == 200, answer.content
    data = base64.b64decode(answer.json()["picture"].partition(",")[2])
    counted: Any = Image.open(io.BytesIO(data)).convert("RGB").getcolors(1 << 24)
    return (
        sum(count for count, (red, _, blue) in counted if red > blue + 60),
        sum(count for count, (red, _, blue) in counted if blue > red + 60),
    )


def test_a_text_watermark_is_made_changed_and_deleted(alice: Member) -> None:
    assert alice.browser.post(f"{LIST}add/", form(alice)).status_code == 302
    made = WatermarkConfig.objects.get()
    assert (made.content, made.color_hex, made.opacity) == ("DRAFT", "#ff0000", 0.5)
    page = f"{LIST}{made.pk}/change/"
    assert str(made.external_id) in alice.browser.get(page).content.decode()
    changed = alice.browser.post(page, form(alice, content="COPY", repeat_tile="on"))
    assert changed.status_code == 302, changed.content.decode()
    made.refresh_from_db()
    assert (made.content, made.repeat_tile) == ("COPY", True)
    alice.browser.post(f"{LIST}{made.pk}/delete/", {"post": "yes"})
    assert not WatermarkConfig.objects.exists()
    actions = ["watermark.created", "watermark.changed", "watermark.deleted"]
    events = AuditEvent.objects.filter(action__in=actions, actor="user:alice").order_by("id")
    assert list(events.values_list("action", flat=True)) == actions


def test_an_image_watermark_is_made_of_a_file(alice: Member) -> None:
    said = form(alice, type="image", content="", width_percent="30", file=file())
    answer = alice.browser.post(f"{LIST}add/", said)
    assert answer.status_code == 302, answer.content.decode()
    made = WatermarkConfig.objects.get()
    assert made.image is not None
    assert made.image.content_type == "image/svg+xml"
    assert colours(look(alice, stored=made.pk, opacity="1"))[1] > 1000


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"content": ""}, "needs its text"),
        ({"type": "image", "content": ""}, "needs its image"),
        ({"type": "image", "content": "", "file": SimpleUploadedFile("x.png", b"no picture")}, "errorlist"),
        ({"opacity": "7"}, "less than or equal to 1"),
        ({"pages": "x"}, "Pages look like"),
        ({"color_hex": "red"}, "errorlist"),
    ],
)
def test_what_the_api_refuses_the_form_refuses(alice: Member, said: dict[str, Any], told: str) -> None:
    answer = alice.browser.post(f"{LIST}add/", form(alice, **said))
    assert answer.status_code == 200
    assert told in answer.content.decode()
    assert not WatermarkConfig.objects.exists()


def test_a_name_that_is_taken_is_told(alice: Member) -> None:
    alice.browser.post(f"{LIST}add/", form(alice))
    answer = alice.browser.post(f"{LIST}add/", form(alice))
    assert "already exists" in answer.content.decode()
    assert WatermarkConfig.objects.count() == 1


def test_the_picture_follows_the_form_and_saves_nothing(alice: Member) -> None:
    faint, strong = (colours(look(alice, opacity=opacity))[0] for opacity in ("0.05", "1"))
    assert strong > 1000 > faint
    assert colours(look(alice, type="image", content="", opacity="1", file=file()))[1] > 1000
    assert not WatermarkConfig.objects.exists()


def test_the_ground_may_be_a_templates_active_version(alice: Member, author: Author) -> None:
    author.published(css_source="html { background: #00c }")
    page = alice.browser.get(f"{LIST}add/")
    (ground,) = page.context["grounds"]
    assert colours(look(alice, ground=ground.pk))[1] > 50_000


def test_a_form_that_cannot_be_shown_is_refused_in_words(alice: Member) -> None:
    for said in ({"opacity": "x"}, {"type": ""}, {"team": ""}, {"content": "a\x07"}):
        assert look(alice, **said).status_code == 400


def test_viewers_and_strangers_change_and_show_nothing(
    alice: Member, bob: Member, charlie: Member, author: Author
) -> None:
    version = author.published()
    alice.browser.post(f"{LIST}add/", form(alice))
    made = WatermarkConfig.objects.get()
    assert look(bob).status_code == 403
    assert bob.browser.get(f"{LIST}{made.pk}/change/").status_code == 200
    assert bob.browser.post(f"{LIST}{made.pk}/change/", form(bob, content="X")).status_code == 403
    assert look(charlie, stored=made.pk).status_code == 404
    assert look(charlie, team=alice.team.pk).status_code == 404
    pk = made.team.templates.get().active_version_id
    assert version
    assert look(charlie, ground=pk).status_code == 404
    made.refresh_from_db()
    assert made.content == "DRAFT"
