"""`options.pdf_variant`: what is possible is made, what is not is refused at once and clearly."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pikepdf
import pytest

from jobs_app import executor
from jobs_app.models import Batch, BatchItem, Job
from pdfservice.lib import storage
from templates_app.models import TemplateVersion
from templates_app.renderer.contracts import Engine
from tests.conftest import Member
from tests.jobs.conftest import expand, post_batch, publish
from tests.jobs.test_finishing_options import XML
from tests.jobs.test_generate import BODY, URL, faults

LOCK = {"user_password": "x"}


@pytest.fixture
def slow_letter(alice: Member) -> TemplateVersion:
    """A letter that WeasyPrint prints."""
    html = '<html lang="en"><title>Letter</title><h1>Dear {{ name }}</h1>'
    return publish(alice, "letter", html, engine=Engine.WEASYPRINT)


def ask(member: Member, variant: str | None, **more: Any) -> Any:
    """Ask for a letter of a variant."""
    return member.api.post(URL, {**BODY, "options": {"pdf_variant": variant, **more}}, format="json")


def test_a_document_for_keeping_is_made(alice: Member, slow_letter: TemplateVersion, claim: Callable[[], Job]) -> None:
    assert ask(alice, "pdf/a-3b", attachments=[XML]).status_code == 202
    executor.prepare()
    executor.perform(claim())
    job = Job.objects.get()
    assert job.output is not None, job.error_message
    with pikepdf.open(io.BytesIO(storage.read(job.output.key))) as document:
        assert document.open_metadata().pdfa_status == "3B"
        assert list(document.attachments) == ["invoice.xml"]


@pytest.mark.parametrize("variant", ["pdf/a-2b", "pdf/a-2u", "pdf/a-3b", "pdf/ua-1"])
def test_the_fast_engine_is_refused(alice: Member, letter: TemplateVersion, variant: str) -> None:
    answer = ask(alice, variant)
    assert answer.status_code == 400
    assert "weasyprint" in faults(answer)["/options/pdf_variant"]


@pytest.mark.parametrize(
    ("variant", "more", "status", "place"),
    [
        ("pdf/a-2b", {"encryption": LOCK}, 400, "/options/encryption"),
        ("pdf/a-3b", {"encryption": LOCK}, 400, "/options/encryption"),
        ("pdf/ua-1", {"encryption": LOCK}, 202, ""),
        ("pdf/a-2b", {"attachments": [XML]}, 400, "/options/attachments"),
        ("pdf/a-2u", {"attachments": [XML]}, 400, "/options/attachments"),
        ("pdf/ua-1", {"attachments": [XML]}, 202, ""),
        ("pdf/a-1b", {}, 400, "/options/pdf_variant"),
        (None, {"encryption": LOCK}, 202, ""),
    ],
)
def test_impossible_wishes_are_refused(
    alice: Member, slow_letter: TemplateVersion, variant: str | None, more: Any, status: int, place: str
) -> None:
    answer = ask(alice, variant, **more)
    assert answer.status_code == status
    if place:
        assert list(faults(answer)) == [place]


def test_a_batch_and_its_items_are_held_to_it(alice: Member, slow_letter: TemplateVersion) -> None:
    items = [{"payload": {"name": "A"}}, {"payload": {"name": "B"}, "options": {"encryption": LOCK}}]
    answer = post_batch(alice, items, options={"pdf_variant": "pdf/a-2b", "encryption": LOCK})
    assert list(faults(answer)) == ["/options/encryption"]
    assert not Batch.objects.exists()
    assert post_batch(alice, items, options={"pdf_variant": "pdf/a-2b"}).status_code == 202
    expand()
    first, second = BatchItem.objects.order_by("position")
    assert first.job is not None
    assert second.errors == [
        {"pointer": "/items/1/options/encryption", "message": "PDF/A-2b forbids encryption."},
    ]


def test_a_preview_is_held_to_it_too(alice: Member, letter: TemplateVersion) -> None:
    body = {"payload": {"name": "Ada"}, "options": {"pdf_variant": "pdf/ua-1"}}
    answer = alice.api.post("/pdf/templates/letter/versions/1/preview", body, format="json")
    assert (answer.status_code, list(faults(answer))) == (400, ["/options/pdf_variant"])
