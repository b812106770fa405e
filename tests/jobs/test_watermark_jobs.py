"""Jobs with watermarks: each prints the watermark that it was accepted with."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from jobs_app import executor, transitions
from jobs_app.models import Batch, BatchItem, Job
from pdfservice.lib import storage
from templates_app.models import TemplateVersion
from tests.conftest import Member
from tests.jobs.conftest import WORKER, expand, post_batch
from tests.jobs.test_generate import BODY, URL, faults
from tests.renderer.support import pdf_text

MARKS = "/pdf/watermarks"


def mark(member: Member, name: str = "Secret", content: str = "FIRSTMARK") -> str:
    """Make a watermark and return its id."""
    response = member.api.post(MARKS, {"name": name, "type": "text", "content": content}, format="json")
    return str(response.json()["id"])


def ask(member: Member, mark_id: str | None, **more: Any) -> Any:
    """Ask for a letter with a watermark."""
    return member.api.post(URL, {**BODY, "options": {"watermark_config_id": mark_id, **more}}, format="json")


def printed(job_id: str, claim: Callable[[], Job]) -> str:
    """Have the next job made and return the text of the one that is meant."""
    executor.prepare()
    executor.perform(claim())
    job = Job.objects.get(external_id=job_id)
    assert job.output is not None, job.error_message
    return pdf_text(storage.read(job.output.key))


def test_it_is_printed_over_the_text_which_stays(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job]
) -> None:
    text = printed(ask(alice, mark(alice)).json()["id"], claim)
    assert "FIRSTMARK" in text
    assert "Dear Ada" in text


def test_a_job_keeps_the_watermark_it_was_accepted_with(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job]
) -> None:
    changed, deleted = mark(alice), mark(alice, "other", "SECONDMARK")
    first, second = ask(alice, changed).json()["id"], ask(alice, deleted).json()["id"]
    assert alice.api.patch(f"{MARKS}/{changed}", {"content": "CHANGEDMARK"}, format="json").status_code == 200
    assert alice.api.delete(f"{MARKS}/{deleted}").status_code == 204
    assert "FIRSTMARK" in printed(first, claim)
    assert "SECONDMARK" in printed(second, claim)


def test_a_changed_watermark_makes_another_document(alice: Member, letter: TemplateVersion) -> None:
    watermark = mark(alice)
    first = ask(alice, watermark).json()
    assert ask(alice, watermark.upper()).json()["id"] == first["id"]
    alice.api.patch(f"{MARKS}/{watermark}", {"opacity": 0.5}, format="json")
    assert ask(alice, watermark).json()["id"] != first["id"]


def test_none_is_the_same_as_not_saying(alice: Member, letter: TemplateVersion) -> None:
    plain = alice.api.post(URL, BODY, format="json").json()
    assert ask(alice, None).json()["id"] == plain["id"]


def test_an_image_is_printed_though_it_was_replaced_since(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job]
) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (40, 20), "red").save(stream, "PNG")
    file = SimpleUploadedFile("a.png", stream.getvalue())
    made = alice.api.post(MARKS, {"name": "Logo", "type": "image", "file": file}, format="multipart").json()
    job_id = ask(alice, made["id"]).json()["id"]
    assert alice.api.delete(f"{MARKS}/{made['id']}").status_code == 204
    assert "Dear Ada" in printed(job_id, claim)


@pytest.mark.parametrize("is_there", [True, False])
def test_another_teams_watermark_is_not_there(
    alice: Member, charlie: Member, letter: TemplateVersion, is_there: bool
) -> None:
    answer = ask(alice, mark(charlie) if is_there else str(uuid4()))
    assert answer.status_code == 404
    assert faults(answer) == {"/options/watermark_config_id": "There is no such watermark."}
    assert not Job.objects.exists()


def test_what_is_no_id_is_refused(alice: Member, letter: TemplateVersion) -> None:
    assert list(faults(ask(alice, "mine"))) == ["/options/watermark_config_id"]
    own = ask(alice, None, watermark={"text": "x"})
    assert list(faults(own)) == ["/options/watermark"]


def test_a_batch_and_its_items_have_their_own(alice: Member, letter: TemplateVersion) -> None:
    common, own = mark(alice), mark(alice, "own", "OWNMARK")
    items = [
        {"payload": {"name": "A"}},
        {"payload": {"name": "B"}, "options": {"watermark_config_id": own}},
        {"payload": {"name": "C"}, "options": {"watermark_config_id": None}},
        {"payload": {"name": "D"}, "options": {"watermark_config_id": str(uuid4())}},
    ]
    assert post_batch(alice, items, options={"watermark_config_id": common}).status_code == 202
    alice.api.patch(f"{MARKS}/{common}", {"content": "CHANGEDMARK"}, format="json")
    expand()
    executor.prepare()
    while job := transitions.claim(worker=WORKER):
        executor.perform(job)
    texts: list[Any] = []
    for item in BatchItem.objects.filter(batch=Batch.objects.get()).order_by("position"):
        texts.append(pdf_text(storage.read(item.job.output.key)) if item.job and item.job.output else item.errors)
    assert "FIRSTMARK" in texts[0]
    assert "OWNMARK" in texts[1]
    assert "MARK" not in texts[2]
    assert texts[3] == [{"pointer": "/items/3/options/watermark_config_id", "message": "There is no such watermark."}]


def test_an_unknown_watermark_refuses_the_batch(alice: Member, letter: TemplateVersion) -> None:
    answer = post_batch(alice, [{"payload": {}}], options={"watermark_config_id": str(uuid4())})
    assert answer.status_code == 404
    assert not Batch.objects.exists()


def test_a_preview_shows_it(alice: Member, letter: TemplateVersion) -> None:
    body = {"payload": {"name": "Ada"}, "options": {"watermark_config_id": mark(alice)}}
    answer = alice.api.post("/pdf/templates/letter/versions/1/preview", body, format="json")
    assert answer.status_code == 200
    assert "FIRSTMARK" in pdf_text(answer.content)
