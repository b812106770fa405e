"""`options` of a request that say what happens to the PDF, and what is recorded of it."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import pikepdf
import pytest

from jobs_app import executor
from jobs_app.archive.jobs import describe
from jobs_app.models import Job
from pdfservice.lib import storage
from templates_app.models import TemplateVersion
from tests.conftest import Member
from tests.jobs.test_generate import BODY, URL, faults

XML = {"filename": "invoice.xml", "content_type": "text/xml", "content": base64.b64encode(b"<a/>").decode()}


def ask(member: Member, **options: Any) -> Any:
    """Ask for a letter."""
    return member.api.post(URL, {**BODY, "options": options}, format="json")


def made(member: Member, claim: Callable[[], Job], **options: Any) -> tuple[dict[str, Any], pikepdf.Pdf]:
    """Have a letter made; return the job as it is shown, and its PDF."""
    shown = ask(member, **options).json()
    executor.prepare()
    executor.perform(claim())
    job = Job.objects.get(external_id=shown["id"])
    assert job.output is not None, job.error_message
    pdf = pikepdf.open(io.BytesIO(storage.read(job.output.key)))
    return member.api.get(f"/pdf/jobs/{job.external_id}").json(), pdf


def test_metadata_and_attachments_are_in_the_document(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job]
) -> None:
    _, pdf = made(alice, claim, metadata={"title": "Brief", "keywords": "a, b"}, attachments=[XML])
    assert (str(pdf.docinfo["/Title"]), str(pdf.docinfo["/Keywords"])) == ("Brief", "a, b")
    assert pdf.attachments["invoice.xml"].get_file().read_bytes() == b"<a/>"


def test_the_job_says_what_its_document_was_made_from(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job]
) -> None:
    assert ask(alice, filename="other").json()["provenance"] is None
    executor.prepare()
    executor.perform(claim())
    shown, _ = made(alice, claim)
    job = Job.objects.get(external_id=shown["id"])
    said = shown["provenance"]
    assert said["engine_version"].startswith("PlutoBook ")
    assert said["fonts"] == ["DejaVuSerif-Bold"]
    assert (said["template_hash"], said["payload_hash"]) == (letter.content_hash, job.payload_hash)
    assert said["engine"] == "plutobook"
    assert describe(job, [])["provenance"] == said


def test_other_metadata_or_attachments_are_another_document(alice: Member, letter: TemplateVersion) -> None:
    asked = [
        ask(alice),
        ask(alice, metadata={"title": "a"}),
        ask(alice, metadata={"title": "b"}),
        ask(alice, attachments=[XML]),
        ask(alice, attachments=[{**XML, "content": "aGk="}]),
    ]
    assert len({answer.json()["id"] for answer in asked}) == len(asked)
    assert ask(alice, metadata={"title": "a"}).json()["deduplicated"] is True


@pytest.mark.parametrize("character", ["\n", "\t", "\x07", "\x7f", "\x85", "\u2028", "\ufffe"])
@pytest.mark.parametrize("name", ["title", "author", "subject", "keywords"])
def test_control_characters_in_metadata_are_refused(
    alice: Member, letter: TemplateVersion, name: str, character: str
) -> None:
    answer = ask(alice, metadata={name: f"a{character}b"})
    assert answer.status_code == 400
    assert list(faults(answer)) == [f"/options/metadata/{name}"]


def test_text_of_any_script_is_taken(alice: Member, letter: TemplateVersion) -> None:
    assert ask(alice, metadata={"title": "נוסח פרסی\u200cنویس 中文 👩\u200d👧"}).status_code == 202


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"filename": "../x"}, "filename"),
        ({"filename": "a\u202egpj.exe"}, "filename"),
        ({"content_type": "xml"}, "content_type"),
        ({"content_type": "text/xml\r\nX: y"}, "content_type"),
        ({"content": "%%%"}, "content"),
        ({"relationship": "friend"}, "relationship"),
        ({"description": "a\0b"}, ""),
        ({"path": "/etc/passwd"}, "path"),
    ],
)
def test_a_malformed_attachment_is_refused_with_its_place(
    alice: Member, letter: TemplateVersion, change: dict[str, str], place: str
) -> None:
    answer = ask(alice, attachments=[{**XML, **change}])
    assert answer.status_code == 400
    if place:
        assert list(faults(answer)) == [f"/options/attachments/0/{place}"]
    assert not Job.objects.exists()


def test_two_attachments_of_one_name_are_refused(alice: Member, letter: TemplateVersion) -> None:
    answer = ask(alice, attachments=[XML, {**XML, "filename": "INVOICE.xml"}])
    assert faults(answer) == {"/options/attachments": "Two attachments have the same file name."}


def test_attachments_belong_to_the_items_of_a_batch(alice: Member, letter: TemplateVersion) -> None:
    body = {"template": "letter", "items": [{"payload": {"name": "Ada"}}], "options": {"attachments": [XML]}}
    answer = alice.api.post("/pdf/batches", body, format="json")
    assert faults(answer) == {"/options/attachments": "Attachments belong to the options of single items."}


def test_more_attachments_than_fit_are_refused(alice: Member, letter: TemplateVersion) -> None:
    answer = ask(alice, attachments=[{**XML, "filename": f"{number}.xml"} for number in range(21)])
    assert faults(answer) == {"/options/attachments": "A document has up to 20 attachments."}
