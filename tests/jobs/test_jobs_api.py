"""GET /pdf/jobs, /pdf/jobs/{id}, …/file, …/events and …/links"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from downloads_app.models import DownloadLink, StoredFile
from jobs_app import transitions
from jobs_app.models import Job
from jobs_app.outcomes import Failure
from tests.conftest import Member
from tests.jobs.conftest import Submit, publish
from tests.jobs.test_transitions import result_for

Finish = Callable[[], Job]


@pytest.fixture
def finish(submit: Submit, claim: Callable[[], Job]) -> Finish:
    """Submit a job and finish it with nine bytes."""

    def _finish() -> Job:
        submit()
        job = claim()
        assert transitions.complete(job, result_for(job))
        job.refresh_from_db()
        return job

    return _finish


def test_a_job_is_shown_in_every_state(alice: Member, finish: Finish) -> None:
    job = finish()
    shown = alice.api.get(f"/pdf/jobs/{job.external_id}").json()
    assert set(shown) == {
        "id", "kind", "status", "template", "version", "priority", "attempt_count", "deduplicated", "queued_at",
        "started_at", "finished_at", "cancel_requested_at", "expires_at",
        "output_hash", "output_size_bytes", "page_count", "timings",
        "warnings", "error", "provenance", "status_url", "file_url",
    }  # fmt: skip
    assert (shown["status"], shown["output_size_bytes"], shown["page_count"]) == ("done", 8, 1)
    assert shown["output_hash"] == job.output.sha256 if job.output else False
    assert shown["file_url"] == f"http://testserver/pdf/jobs/{job.external_id}/file"


def test_a_failed_job_shows_its_error(alice: Member, submit: Submit, claim: Callable[[], Job]) -> None:
    job = submit()
    detail = {"file": "partials/line", "line": 12, "column": 4, "path": "/items/3/price"}
    transitions.fail(claim(), Failure("template_error", "no", permanent=True, detail=detail))
    error = alice.api.get(f"/pdf/jobs/{job.external_id}").json()["error"]
    assert error == {"code": "template_error", "message": "no", **detail}


@pytest.mark.parametrize("suffix", ["", "/file", "/events", "/links"])
def test_another_teams_job_is_not_there(charlie: Member, finish: Finish, suffix: str) -> None:
    job = finish()
    for client in (charlie.api, charlie.browser):
        for address in (f"/pdf/jobs/{job.external_id}{suffix}", f"/pdf/jobs/{uuid4()}{suffix}"):
            response = client.get(address)
            assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert charlie.api.post(f"/pdf/jobs/{job.external_id}/links", {}, format="json").status_code == 404
    assert not DownloadLink.objects.exists()


@pytest.mark.parametrize("address", ["/pdf/jobs", "/pdf/jobs/{id}", "/pdf/jobs/{id}/file", "/pdf/jobs/{id}/events"])
def test_a_viewer_may_look_but_nobody_without_a_key(bob: Member, finish: Finish, address: str) -> None:
    from rest_framework.test import APIClient

    url = address.format(id=finish().external_id)
    with_key = bob.api.get(url)
    assert with_key.status_code == 200
    assert with_key.getvalue()
    signed_in = bob.browser.get(url)
    assert signed_in.status_code == 200
    assert signed_in.getvalue()
    assert APIClient().get(url).status_code == 401
    assert bob.api.delete(url).status_code == 405


def test_ids_that_are_none_are_404(alice: Member) -> None:
    for address in ("/pdf/jobs/1", "/pdf/jobs/x/file", f"/pdf/jobs/{uuid4()}/nothing"):
        response = alice.api.get(address)
        assert (response.status_code, response.headers["Content-Type"]) == (404, "application/problem+json")


def test_the_list_has_pages_and_filters(alice: Member, submit: Submit) -> None:
    publish(alice, "other", "x")
    jobs = [submit() for _ in range(5)]
    page = alice.api.get("/pdf/jobs?page_size=3").json()
    rest = alice.api.get(page["next"]).json()
    shown = [job["id"] for job in page["results"] + rest["results"]]
    assert shown == [str(job.external_id) for job in reversed(jobs)]
    assert rest["next"] is None

    def count(query: str) -> int:
        return len(alice.api.get(f"/pdf/jobs?{query}").json()["results"])

    assert count("status=queued") == 5
    assert count("status=done") == 0
    assert count("template=other") == 0
    assert count("template=letter") == 5
    moment = jobs[2].queued_at.isoformat().replace("+", "%2B")
    assert count(f"queued_after={moment}") == 2


@pytest.mark.parametrize("query", ["status=dancing", "colour=red", "queued_after=yesterday"])
def test_filters_that_make_no_sense_are_refused(alice: Member, query: str) -> None:
    response = alice.api.get(f"/pdf/jobs?{query}")
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == f"/{query.partition('=')[0]}"


def test_a_wrong_cursor_is_no_crash(alice: Member) -> None:
    assert alice.api.get("/pdf/jobs?cursor=nonsense").status_code in {400, 404}


def test_the_list_is_the_teams(alice: Member, charlie: Member, submit: Submit) -> None:
    submit()
    assert charlie.api.get("/pdf/jobs").json()["results"] == []


def test_the_file_comes_with_its_name_and_hash(alice: Member, finish: Finish) -> None:
    job = finish()
    response = alice.api.get(f"/pdf/jobs/{job.external_id}/file")
    assert response.status_code == 200
    assert response.getvalue() == b"%PDF-1.7"
    assert job.output is not None
    assert response.headers["ETag"] == f'"{job.output.sha256}"'
    assert "x.pdf" in response.headers["Content-Disposition"]
    again = alice.api.get(f"/pdf/jobs/{job.external_id}/file", headers={"if-none-match": response.headers["ETag"]})
    assert again.status_code == 304


def test_a_file_may_be_asked_for_by_its_type_or_only_its_head(alice: Member, finish: Finish) -> None:
    address = f"/pdf/jobs/{finish().external_id}/file"
    assert alice.api.get(address, headers={"accept": "application/pdf"}).getvalue() == b"%PDF-1.7"
    head = alice.api.head(address)
    assert (head.status_code, head.headers["Content-Length"]) == (200, "8")
    assert alice.api.head("/pdf/jobs").status_code == 200


def test_there_is_no_file_and_no_link_before_the_job_is_done(alice: Member, submit: Submit) -> None:
    job = submit()
    for response in (
        alice.api.get(f"/pdf/jobs/{job.external_id}/file"),
        alice.api.post(f"/pdf/jobs/{job.external_id}/links", {}, format="json"),
    ):
        assert (response.status_code, response.json()["code"]) == (409, "not_done")


@pytest.mark.parametrize("swept", [False, True])
def test_an_expired_output_is_410_at_once(alice: Member, finish: Finish, swept: bool) -> None:
    job = finish()
    StoredFile.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    if swept:
        assert transitions.expire(job)
    for response in (
        alice.api.get(f"/pdf/jobs/{job.external_id}/file"),
        alice.api.post(f"/pdf/jobs/{job.external_id}/links", {}, format="json"),
    ):
        assert (response.status_code, response.json()["code"]) == (410, "expired")


def test_the_timeline_tells_what_happened(alice: Member, finish: Finish) -> None:
    events = alice.api.get(f"/pdf/jobs/{finish().external_id}/events").json()
    assert [event["action"] for event in events] == ["job.queued", "job.processing", "job.done"]
    assert set(events[0]) == {"id", "at", "action", "actor", "data"}


def test_a_link_is_made_and_listed_without_its_token(alice: Member, finish: Finish) -> None:
    address = f"/pdf/jobs/{finish().external_id}/links"
    wishes = {"ttl_seconds": 60, "max_uses": 2, "ip_whitelist": ["10.0.0.0/8"]}
    response = alice.api.post(address, wishes, format="json")
    assert response.status_code == 201
    link = response.json()
    assert link["download_url"] == link["url"] + "/file"
    assert (link["max_uses"], link["use_count"]) == (2, 0)
    listed = alice.api.get(address).json()
    assert [row["id"] for row in listed] == [link["id"]]
    assert "url" not in listed[0]
    assert link["url"].rsplit("/", 1)[1] not in str(listed)


@pytest.mark.parametrize(
    ("wishes", "pointer"),
    [
        ({"ttl_seconds": 0}, "/ttl_seconds"),
        ({"max_uses": 0}, "/max_uses"),
        ({"ip_whitelist": ["10.0.0.1/8"]}, "/ip_whitelist/0"),
        ({"colour": 1}, "/colour"),
    ],
)
def test_wishes_for_a_link_that_make_no_sense_are_refused(
    alice: Member, finish: Finish, wishes: dict[str, Any], pointer: str
) -> None:
    response = alice.api.post(f"/pdf/jobs/{finish().external_id}/links", wishes, format="json")
    assert response.status_code == 400
    assert [fault["pointer"] for fault in response.json()["errors"]] == [pointer]


def test_a_viewer_may_not_make_links(bob: Member, finish: Finish) -> None:
    response = bob.api.post(f"/pdf/jobs/{finish().external_id}/links", {}, format="json")
    assert (response.status_code, response.json()["code"]) == (403, "missing_scope")
