"""`options.encryption`: documents that a password opens, and passwords that are nowhere once the job has ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pypdfium2
import pytest
from django.conf import LazySettings
from django.core import serializers
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction

from jobs_app import executor, transitions
from jobs_app.models import Batch, BatchItem, IdempotencyRecord, Job
from jobs_app.outcomes import Failure, WorkRefused
from jobs_app.passwords import Passwords, encryption_of, passwords_of, prepared
from jobs_app.states import Status
from pdfservice.lib import storage
from pdfservice.teams.models import AuditEvent
from templates_app.models import TemplateVersion
from tests.conftest import Member
from tests.jobs.conftest import WORKER, expand, post_batch
from tests.jobs.test_generate import BODY, URL, faults

SECRET = "correct horse battery staple"
WISH = {"user_password": SECRET, "owner_password": SECRET + "!", "permissions": ["print", "print"]}


def ask(member: Member, wish: Any, **headers: str) -> Any:
    """Ask for an encrypted letter."""
    body = {**BODY, "options": {"encryption": wish}}
    return member.api.post(URL, body, format="json", headers=headers)


def perform(claim: Callable[[], Job]) -> Job:
    """Make the next document and return its job as it is then."""
    executor.prepare()
    job = claim()
    executor.perform(job)
    return Job.objects.get(pk=job.pk)


def opens(job: Job, password: str) -> bool:
    """Say whether a password opens a job's document."""
    assert job.output is not None, job.error_message
    try:
        pypdfium2.PdfDocument(storage.read(job.output.key), password=password).close()
    except pypdfium2.PdfiumError:
        return False
    return True


def everything() -> str:
    """Return all rows that a request may have left."""
    models = (Job, Batch, BatchItem, IdempotencyRecord, AuditEvent)
    return "".join(serializers.serialize("json", model._base_manager.all()) for model in models)


def test_the_password_opens_the_document_and_is_erased_with_the_jobs_end(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job], caplog: pytest.LogCaptureFixture
) -> None:
    answer = ask(alice, WISH, **{"Idempotency-Key": "k"})
    assert answer.status_code == 202
    waiting = Job.objects.get()
    assert passwords_of(waiting) == Passwords(SECRET, SECRET + "!")
    assert waiting.options == {"encryption": {"permissions": ["print"]}}
    assert SECRET not in everything(), "it is kept encrypted"
    job = perform(claim)
    assert (job.status, job.sealed_passwords) == (Status.DONE, "")
    assert opens(job, SECRET)
    assert not opens(job, "")
    shown = alice.api.get(f"/pdf/jobs/{job.external_id}").content.decode()
    told = alice.api.get(f"/pdf/jobs/{job.external_id}/events").content.decode()
    for text in (answer.content.decode(), shown, told, everything(), caplog.text):
        assert SECRET not in text


def test_encrypted_documents_are_never_shared(alice: Member, letter: TemplateVersion) -> None:
    first, second = ask(alice, WISH).json(), ask(alice, WISH).json()
    assert first["id"] != second["id"]
    assert set(Job.objects.values_list("cache_key", flat=True)) == {""}


def test_hashes_of_requests_are_keyed(alice: Member, letter: TemplateVersion, settings: LazySettings) -> None:
    header = {"Idempotency-Key": "k"}
    job_id = ask(alice, WISH, **header).json()["id"]
    first = IdempotencyRecord.objects.get().request_hash
    assert ask(alice, WISH, **header).json()["id"] == job_id
    other = ask(alice, {**WISH, "user_password": "other"}, **header)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new key"
    assert ask(alice, WISH, **header).json()["id"] == job_id, "a former key still recognises the request"
    ask(alice, WISH, **{"Idempotency-Key": "k2"})
    assert IdempotencyRecord.objects.get(key="k2").request_hash != first, "another key, another hash"


END = {
    "failed": lambda job: transitions.fail(job, Failure("template_error", "no", permanent=True)),
    "cancelled": lambda job: transitions.request_cancel(job, actor="a") and transitions.drop(job),
}


@pytest.mark.parametrize("status", END)
def test_a_job_that_ended_cannot_be_repeated_without_its_password(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job], status: str
) -> None:
    ask(alice, WISH)
    job = claim()
    assert END[status](job)
    job.refresh_from_db()
    assert (job.status, job.sealed_passwords) == (status, "")
    answer = alice.api.post(f"/pdf/jobs/{job.external_id}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "password_erased")
    assert "submit" in answer.json()["detail"]
    assert alice.api.post("/pdf/jobs/retry", {"ids": [str(job.external_id)]}, format="json").json() == {"retried": 0}
    assert Job.objects.get().status == status


def test_a_waiting_job_that_is_cancelled_forgets_it_too(alice: Member, letter: TemplateVersion) -> None:
    job_id = ask(alice, WISH).json()["id"]
    assert alice.api.post(f"/pdf/jobs/{job_id}/cancel").status_code == 200
    assert Job.objects.get().sealed_passwords == ""


def test_another_attempt_still_has_it(alice: Member, letter: TemplateVersion, claim: Callable[[], Job]) -> None:
    ask(alice, WISH)
    job = claim()
    assert transitions.release(job)
    assert opens(perform(claim), SECRET)


def test_the_database_keeps_no_password_of_a_job_that_ended(alice: Member, letter: TemplateVersion) -> None:
    job_id = ask(alice, WISH).json()["id"]
    alice.api.post(f"/pdf/jobs/{job_id}/cancel")
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.update(sealed_passwords="x")


def test_a_password_that_no_key_opens_fails_the_job_with_words(
    alice: Member, letter: TemplateVersion, settings: LazySettings
) -> None:
    ask(alice, WISH)
    settings.SECRET_KEY = "another"
    with pytest.raises(WorkRefused) as refusal:
        encryption_of(Job.objects.get())
    failure = executor.classify(refusal.value)
    assert (failure.code, failure.permanent) == ("password_lost", True)
    assert "SECRET_KEY" in failure.message


@pytest.mark.parametrize(
    ("wish", "place"),
    [
        ({}, ""),
        ("secret", ""),
        ({"password": "x"}, "/password"),
        ({"user_password": ""}, "/user_password"),
        ({"user_password": "a\x07b"}, "/user_password"),
        ({"user_password": "\u00ad"}, "/user_password"),
        ({"user_password": "ä" * 64}, "/user_password"),
        ({"user_password": "same", "owner_password": "same"}, "/owner_password"),
        ({"user_password": "x", "permissions": ["fly"]}, "/permissions"),
    ],
)
def test_what_protects_nothing_is_refused(alice: Member, letter: TemplateVersion, wish: Any, place: str) -> None:
    answer = ask(alice, wish)
    assert answer.status_code == 400
    assert [pointer.removeprefix("/options/encryption") for pointer in faults(answer)] in ([place], [f"{place}/0"])
    assert not Job.objects.exists()


def test_passwords_are_prepared_as_readers_prepare_them() -> None:
    # RFC 4013, 3: the examples that are no errors.
    examples = {"I\u00adX": "IX", "user": "user", "USER": "USER", "\u00aa": "a", "\u2168": "IX", "a\u00a0b": "a b"}
    assert {given: prepared(given) for given in examples} == examples


def test_null_leaves_it_open(alice: Member, letter: TemplateVersion) -> None:
    plain = alice.api.post(URL, BODY, format="json").json()
    assert ask(alice, None).json()["id"] == plain["id"]


def work_off() -> None:
    """Expand a batch and make its documents."""
    expand()
    executor.prepare()
    while job := transitions.claim(worker=WORKER):
        executor.perform(job)


def test_a_batch_and_its_items_have_their_own_passwords(alice: Member, letter: TemplateVersion) -> None:
    items = [
        {"payload": {"name": "A"}},
        {"payload": {"name": "A"}, "options": {"encryption": {"user_password": "own" + SECRET}}},
        {"payload": {"name": "A"}, "options": {"encryption": None}},
        {"payload": {"name": "A"}, "options": {"filename": "x"}},
    ]
    assert post_batch(alice, items, options={"encryption": WISH}).status_code == 202
    batch = Batch.objects.get()
    assert SECRET not in everything()
    assert batch.source is not None
    assert SECRET.encode() not in storage.read(batch.source.key)
    work_off()
    batch.refresh_from_db()
    assert batch.sealed_passwords == ""
    made = [item.job for item in batch.items.order_by("position") if item.job]
    assert [opens(job, SECRET) for job in made] == [True, False, True, True], "the third is open"
    assert opens(made[1], "own" + SECRET)
    assert [opens(job, "") for job in made] == [False, False, True, False]
    assert made[2].cache_key
    assert len({job.pk for job in made}) == 4
    assert SECRET not in everything()


def test_items_of_a_file_are_kept_encrypted(alice: Member, letter: TemplateVersion) -> None:
    line = {"payload": {"name": "A"}, "options": {"encryption": {"user_password": SECRET}}}
    file = SimpleUploadedFile("a.jsonl", json.dumps(line).encode())
    form = {"template": "letter", "file": file}
    assert alice.api.post("/pdf/batches", form, format="multipart").status_code == 202
    source = Batch.objects.get().source
    assert source is not None
    assert SECRET.encode() not in storage.read(source.key)
    work_off()
    assert opens(Job.objects.exclude(template_version=None).get(), SECRET)


def test_encrypted_documents_are_not_merged(alice: Member, letter: TemplateVersion) -> None:
    own = {"payload": {"name": "B"}, "options": {"encryption": {"user_password": SECRET}}}
    answer = post_batch(alice, [{"payload": {"name": "A"}}], output="merged", options={"encryption": WISH})
    assert answer.status_code == 400
    assert list(faults(answer)) == ["/options/encryption"]
    answer = post_batch(alice, [{"payload": {"name": "A"}}, own], output="merged")
    assert answer.status_code == 400
    assert list(faults(answer)) == ["/items/1/options/encryption"]
    assert not Batch.objects.exists()
    assert post_batch(alice, [own], output="zip").status_code == 202


def test_lines_of_a_file_that_cannot_be_merged_are_failed_items(alice: Member, letter: TemplateVersion) -> None:
    line = {"payload": {"name": "A"}, "options": {"encryption": {"user_password": SECRET}}}
    form = {"template": "letter", "output": "merged", "file": SimpleUploadedFile("a.jsonl", json.dumps(line).encode())}
    assert alice.api.post("/pdf/batches", form, format="multipart").status_code == 202
    expand()
    item = BatchItem.objects.get()
    assert item.job is None
    assert item.errors[0]["pointer"] == "/options/encryption"
    assert "merged" in item.error_message


def test_retrying_a_batch_leaves_encrypted_ones_where_they_are(alice: Member, letter: TemplateVersion) -> None:
    post_batch(alice, [{"payload": {"name": "A"}}], options={"encryption": WISH})
    expand()
    job = transitions.claim(worker=WORKER)
    assert job is not None
    transitions.fail(job, Failure("render_timeout", "slow", permanent=False))
    answer = alice.api.post(f"/pdf/batches/{Batch.objects.get().external_id}/retry-failed")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_retry")


def test_a_link_page_shows_no_picture_of_it(alice: Member, letter: TemplateVersion, claim: Callable[[], Job]) -> None:
    ask(alice, WISH)
    job = perform(claim)
    answer = alice.api.post(f"/pdf/jobs/{job.external_id}/links", {"preview": True}, format="json")
    assert answer.status_code == 422
    assert alice.api.post(f"/pdf/jobs/{job.external_id}/links", {}, format="json").status_code == 201
