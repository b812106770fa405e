"""POST /pdf/generate"""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import LazySettings
from django_q.models import OrmQ

from jobs_app.models import Job
from jobs_app.states import Status
from pdfservice.teams.models import AuditEvent
from pdfservice.teams.scopes import Role, Scope
from templates_app.models import TemplateVersion
from tests.conftest import Member, client_with, member
from tests.jobs.conftest import publish

URL = "/pdf/generate"
BODY: dict[str, Any] = {"template": "letter", "payload": {"name": "Ada"}}


def faults(response: Any) -> dict[str, str]:
    """Return the messages of a problem document by pointer."""
    assert response.headers["Content-Type"] == "application/problem+json"
    return {fault["pointer"]: fault["message"] for fault in response.json()["errors"]}


def test_a_document_is_accepted_at_once(alice: Member, letter: TemplateVersion) -> None:
    response = alice.api.post(URL, BODY, format="json")
    assert response.status_code == 202
    job = Job.objects.get()
    shown = response.json()
    assert shown["id"] == str(job.external_id)
    assert (shown["status"], shown["template"], shown["version"], shown["priority"]) == ("queued", "letter", 1, 5)
    assert shown["file_url"] is None
    assert shown["error"] is None
    assert shown["deduplicated"] is False
    assert response.headers["Location"] == shown["status_url"] == f"http://testserver/pdf/jobs/{job.external_id}"
    assert response.headers["Retry-After"] == "1"
    assert (job.status, job.requested_by_key, job.requested_by_user) == (Status.QUEUED, alice.api_key, None)
    assert job.payload == '{"name":"Ada"}'
    assert job.expires_in == 7 * 86_400


@pytest.mark.parametrize("named", [False, True])
def test_the_version_is_the_active_one_or_the_one_named(alice: Member, letter: TemplateVersion, named: bool) -> None:
    publish(alice, "letter", "<h1>Hello {{ name }}</h1>")
    body = {**BODY, "version": 1} if named else BODY
    assert alice.api.post(URL, body, format="json").json()["version"] == (1 if named else 2)


def test_it_leaves_one_event_and_a_ticket(alice: Member, letter: TemplateVersion, settings: LazySettings) -> None:
    shown = alice.api.post(URL, BODY, format="json").json()
    event = AuditEvent.objects.get(action="job.queued")
    assert (str(event.subject_id), event.actor) == (shown["id"], alice.caller.actor)
    if not settings.REDIS_URL:
        assert OrmQ.objects.count() == 1


@pytest.mark.parametrize("priority", [1, 10])
def test_options_and_priority_are_kept(alice: Member, letter: TemplateVersion, priority: int) -> None:
    body = {**BODY, "priority": priority, "expires_in": None, "options": {"filename": "brief 7"}}
    assert alice.api.post(URL, body, format="json").status_code == 202
    job = Job.objects.get()
    assert (job.priority, job.effective_priority, job.expires_in) == (priority, priority, None)
    assert job.options == {"filename": "brief 7.pdf"}


def test_all_faults_are_told_at_once(alice: Member, letter: TemplateVersion) -> None:
    body = {
        "payload": [],
        "priority": 11,
        "expires_in": 5,
        "colour": "red",
        "options": {
            "filename": "../x",
            "colour": "red",
            "page_size": "A44",
            "orientation": "up",
            "margins": {"top": "2"},
        },
    }
    response = alice.api.post(URL, body, format="json")
    assert response.status_code == 400
    assert set(faults(response)) == {
        "/template",
        "/payload",
        "/priority",
        "/expires_in",
        "/colour",
        "/options/filename",
        "/options/colour",
        "/options/page_size",
        "/options/orientation",
        "/options/margins/top",
    }
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "line 1"),
        (b"\xff", "UTF-8"),
        (b'{"template": "letter", "payload": {"x": NaN}}', "NaN"),
        (b'{"template": "letter", "payload": {"x": -Infinity}}', "Infinity"),
        (b'{"template": "letter", "payload": {"x": 1e999}}', "too large"),
        (b'{"template": "letter", "payload": {"x": [{"y": -1e400}]}}', "too large"),
        (b'{"template": "letter", "payload": {"x": 1' + b"0" * 309 + b"}}", "too large"),
        (b'{"template": "letter", "payload": {"x": 1, "x": 2}}', "twice"),
        (b'{"template": "letter", "payload": {"x": "\\u0000"}}', "NUL"),
        (b'{"template": "letter", "payload": {"x": "\\ud800"}}', "surrogate"),
        (b'{"template": "letter", "payload": {"x": ' + b"[" * 100 + b"]" * 100 + b"}}", "64 levels"),
        (b'{"template": "letter", "payload": ' + b'{"x":' * 50_000 + b"1" + b"}" * 50_001, "64 levels"),
        (b'{"template": "letter", "payload": {"x": ' + b"9" * 5000 + b"}}", "digits"),
    ],
)
def test_json_that_others_could_not_read_is_refused(
    alice: Member, letter: TemplateVersion, body: bytes, says: str
) -> None:
    response = alice.api.post(URL, body, content_type="application/json")
    assert response.status_code == 400, response.content
    assert says in response.json()["detail"]
    assert not Job.objects.exists()


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"null", b"7"])
def test_a_body_that_is_no_object_is_refused(alice: Member, letter: TemplateVersion, body: bytes) -> None:
    response = alice.api.post(URL, body, content_type="application/json")
    assert response.status_code == 400
    assert faults(response).keys() <= {""}


def test_a_payload_over_the_limit_is_refused_before_it_is_parsed(
    alice: Member, letter: TemplateVersion, settings: LazySettings
) -> None:
    settings.MAX_PAYLOAD_BYTES = 2000
    response = alice.api.post(URL, b"{" * 200_000, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    body = {**BODY, "payload": {"name": "x" * 2000}}
    assert alice.api.post(URL, body, format="json").status_code == 413
    assert not Job.objects.exists()


SCHEMA = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "items": {"items": {"required": ["price"]}}},
}


def test_a_payload_that_does_not_fit_the_schema_is_422_with_every_fault(alice: Member) -> None:
    publish(alice, "letter", "<h1>Dear {{ name }}</h1>", payload_schema=SCHEMA)
    response = alice.api.post(URL, {"template": "letter", "payload": {"items": [{"price": 1}, {}]}}, format="json")
    assert (response.status_code, response.json()["code"]) == (422, "payload_invalid")
    assert set(faults(response)) == {"/payload/name", "/payload/items/1/price"}
    assert not Job.objects.exists()
    assert alice.api.post(URL, BODY, format="json").status_code == 202


def test_the_schema_of_the_version_that_was_asked_for_counts(alice: Member) -> None:
    publish(alice, "letter", "<h1>Dear {{ name }}</h1>", payload_schema=SCHEMA)
    publish(alice, "letter", "<h1>Dear {{ name }}</h1>", payload_schema={**SCHEMA, "required": ["name", "items"]})
    assert alice.api.post(URL, {**BODY, "version": 1}, format="json").status_code == 202
    response = alice.api.post(URL, BODY, format="json")
    assert (response.status_code, set(faults(response))) == (422, {"/payload/items"})


def test_other_content_types_are_refused(alice: Member, letter: TemplateVersion) -> None:
    response = alice.api.post(URL, "template=letter", content_type="application/x-www-form-urlencoded")
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


def test_other_methods_are_refused(alice: Member) -> None:
    response = alice.api.get(URL)
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "POST, OPTIONS"


def test_no_key_and_wrong_keys_are_401(alice: Member, letter: TemplateVersion) -> None:
    for text in ("", "pdf_", "nonsense", alice.key_text[:-1] + "x", alice.key_text.replace("pdf_", "xyz_")):
        response = client_with(text).post(URL, BODY, format="json")
        assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert not Job.objects.exists()


def test_a_viewer_may_not(bob: Member, letter: TemplateVersion) -> None:
    for client in (bob.api, bob.browser):
        response = client.post(URL, BODY, format="json")
        assert (response.status_code, response.json()["code"]) == (403, "missing_scope")


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
def test_an_operator_in_a_session_may(alice: Member, letter: TemplateVersion, role: Role) -> None:
    olivia = member("olivia", alice.team, role)
    response = olivia.browser.post(URL, BODY, format="json")
    assert response.status_code == 202
    assert Job.objects.get().requested_by_user == olivia.user


def test_another_teams_template_is_not_there(charlie: Member, letter: TemplateVersion) -> None:
    response = charlie.api.post(URL, BODY, format="json")
    assert (response.status_code, list(faults(response))) == (404, ["/template"])


@pytest.mark.parametrize("version", [2, 2**31 - 1])
def test_a_version_that_is_not_there_is_404(alice: Member, letter: TemplateVersion, version: int) -> None:
    response = alice.api.post(URL, {**BODY, "version": version}, format="json")
    assert (response.status_code, list(faults(response))) == (404, ["/version"])


def test_a_key_with_only_its_own_jobs_sees_no_other(alice: Member, letter: TemplateVersion) -> None:
    petra = member("petra", alice.team, Role.VIEWER, scopes=[Scope.JOBS_WRITE, Scope.JOBS_READ_OWN])
    own = petra.api.post(URL, BODY, format="json").json()["id"]
    other = alice.api.post(URL, BODY, format="json").json()["id"]
    assert petra.api.get(f"/pdf/jobs/{own}").status_code == 200
    assert petra.api.get(f"/pdf/jobs/{other}").status_code == 404
    assert [job["id"] for job in petra.api.get("/pdf/jobs").json()["results"]] == [own]


def test_a_database_that_is_away_is_503(
    alice: Member, letter: TemplateVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("jobs_app.transitions.enqueue", away)
    client = alice.api
    client.raise_request_exception = False
    response = client.post(URL, json.dumps(BODY), content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert response.headers["Retry-After"] == "5"
