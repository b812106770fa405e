"""POST /pdf/batches, with its items as JSON"""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from downloads_app.models import FileState, StoredFile
from jobs_app.batches.sources import unseal_source
from jobs_app.models import Batch, BatchItem, Job
from jobs_app.states import BatchStatus, Kind
from pdfservice.lib import storage
from pdfservice.teams.models import AuditEvent
from pdfservice.teams.scopes import Role, Scope
from templates_app.models import TemplateVersion
from tests.conftest import Member, member
from tests.jobs.conftest import letters, post_batch, publish
from tests.jobs.test_generate import faults

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/pdf/batches"


def test_a_batch_is_accepted_at_once_and_waits_for_a_worker(alice: Member, letter: TemplateVersion) -> None:
    response = post_batch(alice, letters("Ada", "Bea"), priority=7, output="zip", expires_in=3600)
    assert response.status_code == 202
    batch = Batch.objects.get()
    shown = response.json()
    assert shown["id"] == str(batch.external_id)
    assert (shown["status"], shown["template"], shown["version"]) == ("queued", "letter", 1)
    assert (shown["priority"], shown["output"], shown["total"]) == (7, "zip", 2)
    assert set(shown["counts"].values()) == {0}
    assert response.headers["Location"] == shown["status_url"] == f"http://testserver/pdf/batches/{shown['id']}"
    assert response.headers["Retry-After"] == "1"
    assert shown["file_url"] is None
    job = Job.objects.get()
    assert (job.kind, job.priority, batch.expansion) == (Kind.EXPAND, 7, job)
    assert batch.expires_in == 3600
    assert batch.source is not None
    assert batch.source.state == FileState.LIVE
    assert json.loads(unseal_source(batch, storage.read(batch.source.key)).splitlines()[1]) == letters("Bea")[0]
    assert AuditEvent.objects.filter(action="batch.queued", subject_id=batch.external_id).count() == 1
    assert not BatchItem.objects.exists()


def test_the_version_is_settled_when_the_batch_is_accepted(alice: Member, letter: TemplateVersion) -> None:
    post_batch(alice, letters("Ada"))
    publish(alice, "letter", "<h1>Hello {{ name }}</h1>")
    assert Batch.objects.get().template_version == letter


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"items": []}, "/items"),
        ({"items": [{}] * 10_001}, "/items"),
        ({"items": "no"}, "/items"),
        ({"output": "tar"}, "/output"),
        ({"priority": 11}, "/priority"),
        ({"expires_in": 1}, "/expires_in"),
        ({"options": {"filename": "../x"}}, "/options/filename"),
        ({"options": {"colour": 1}}, "/options/colour"),
        ({"colour": 1}, "/colour"),
        ({"template": None}, "/template"),
    ],
)
def test_a_malformed_request_is_refused_with_the_place(
    alice: Member, letter: TemplateVersion, body: dict[str, Any], pointer: str
) -> None:
    response = alice.api.post(URL, {"template": "letter", "items": letters("Ada"), **body}, format="json")
    assert response.status_code == 400
    assert list(faults(response)) == [pointer]
    assert not Batch.objects.exists()
    assert not StoredFile.objects.exists()


def test_a_body_over_the_limit_is_refused_before_it_is_read(
    alice: Member, letter: TemplateVersion, settings: LazySettings
) -> None:
    settings.MAX_BATCH_BYTES = 2000
    response = post_batch(alice, letters("A" * 2000))
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b'{"items": NaN}', b"\xff"])
def test_what_is_no_json_object_is_refused(alice: Member, body: bytes) -> None:
    response = alice.api.post(URL, body, content_type="application/json")
    assert response.status_code == 400


def test_other_content_types_are_refused(alice: Member) -> None:
    assert alice.api.post(URL, b"a=1", content_type="text/plain").status_code == 415


def test_another_teams_template_is_as_if_it_were_not_there(charlie: Member, letter: TemplateVersion) -> None:
    response = post_batch(charlie, letters("Ada"))
    assert (response.status_code, response.json()["code"]) == (404, "unknown_template")
    assert not StoredFile.objects.exists()


def test_without_a_key_or_the_right_nothing_is_made(bob: Member, letter: TemplateVersion) -> None:
    assert APIClient().post(URL, {}, format="json").status_code == 401
    assert post_batch(bob, letters("Ada")).status_code == 403
    assert bob.api.put(URL, {}, format="json").status_code == 405
    assert not Batch.objects.exists()


def test_the_same_idempotency_key_gives_the_same_batch(alice: Member, letter: TemplateVersion) -> None:
    body = {"template": "letter", "items": letters("Ada")}
    first = alice.api.post(URL, body, format="json", headers={"Idempotency-Key": "k"})
    again = alice.api.post(URL, body, format="json", headers={"Idempotency-Key": "k"})
    other = alice.api.post(URL, {**body, "output": "zip"}, format="json", headers={"Idempotency-Key": "k"})
    single = alice.api.post(
        "/pdf/generate", {"template": "letter", "payload": {}}, format="json", headers={"Idempotency-Key": "k"}
    )
    assert first.json()["id"] == again.json()["id"]
    assert (again.status_code, other.status_code, single.status_code) == (202, 422, 422)
    assert (Batch.objects.count(), Job.objects.count(), StoredFile.objects.count()) == (1, 1, 1)


def test_a_caller_of_their_own_jobs_sees_their_own_batches_only(
    alice: Member, acme: Any, letter: TemplateVersion
) -> None:
    dora = member("dora", acme, Role.OPERATOR, [Scope.JOBS_WRITE, Scope.JOBS_READ_OWN])
    own, others = post_batch(dora, letters("Ada")).json(), post_batch(alice, letters("Ada")).json()
    assert [row["id"] for row in dora.api.get(URL).json()["results"]] == [own["id"]]
    assert dora.api.get(f"{URL}/{others['id']}").status_code == 404
    assert {row["id"] for row in alice.api.get(URL).json()["results"]} == {own["id"], others["id"]}


def test_the_list_is_narrowed_by_status_and_refuses_other_filters(alice: Member, letter: TemplateVersion) -> None:
    post_batch(alice, letters("Ada"))
    assert len(alice.api.get(f"{URL}?status={BatchStatus.QUEUED}").json()["results"]) == 1
    assert alice.api.get(f"{URL}?status=done").json()["results"] == []
    assert alice.api.get(f"{URL}?colour=red").status_code == 400


def test_expanding_is_no_job_that_callers_see(alice: Member, letter: TemplateVersion) -> None:
    post_batch(alice, letters("Ada"))
    assert alice.api.get("/pdf/jobs").json()["results"] == []
    assert alice.api.get(f"/pdf/jobs/{Job.objects.get().external_id}").status_code == 404
