"""Idempotency-Key"""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from jobs_app.models import IdempotencyRecord, Job
from jobs_app.submission import RenderRequest, job_submit
from pdfservice.teams.scopes import Role, Scope
from templates_app.models import TemplateVersion
from tests.conftest import Member, member
from tests.jobs.conftest import publish

pytestmark = pytest.mark.django_db
BODY: dict[str, Any] = {"template": "letter", "payload": {"name": "Ada"}, "dedup": False}


def post(who: Member, key: str, body: dict[str, Any] = BODY) -> Any:
    """Send a request with a key."""
    return who.api.post("/pdf/generate", body, format="json", headers={"idempotency-key": key})


def test_the_same_key_and_body_give_the_same_job(alice: Member, letter: TemplateVersion) -> None:
    first, second = post(alice, "order-7"), post(alice, "order-7", dict(reversed(BODY.items())))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    assert post(alice, "order-8").json()["id"] != first.json()["id"]


def test_the_same_key_with_another_body_is_refused(alice: Member, letter: TemplateVersion) -> None:
    post(alice, "order-7")
    response = post(alice, "order-7", {**BODY, "priority": 1})
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
    assert Job.objects.count() == 1


def test_a_key_that_shares_a_job_stands_for_it(alice: Member, letter: TemplateVersion) -> None:
    body = {**BODY, "dedup": True}
    ids = {post(alice, key, body).json()["id"] for key in ("a", "b", "a")}
    assert len(ids) == 1
    assert IdempotencyRecord.objects.count() == 2


def test_a_refused_request_leaves_its_key_unused(alice: Member, letter: TemplateVersion) -> None:
    assert post(alice, "order-7", {**BODY, "priority": 99}).status_code == 400
    assert post(alice, "order-7").status_code == 202


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_keys_that_are_none_are_refused(alice: Member, letter: TemplateVersion, key: str) -> None:
    assert post(alice, key).status_code == 400


def test_keys_are_the_teams_own(alice: Member, charlie: Member, letter: TemplateVersion) -> None:
    publish(charlie, "letter", "<p>{{ name }}")
    assert post(alice, "order-7").json()["id"] != post(charlie, "order-7").json()["id"]


def test_who_may_only_see_their_own_jobs_cannot_learn_of_anothers_by_its_key(
    alice: Member, letter: TemplateVersion
) -> None:
    petra = member("petra", alice.team, Role.VIEWER, scopes=[Scope.JOBS_WRITE, Scope.JOBS_READ_OWN])
    post(alice, "order-7")
    assert post(petra, "order-7").status_code == 422


@pytest.mark.django_db(transaction=True)
def test_many_at_once_with_one_key_get_one_job(alice: Member, letter: TemplateVersion) -> None:
    caller, found, go = alice.caller, set(), threading.Barrier(20)
    request = RenderRequest(template="letter", payload={"name": "Ada"}, dedup=False)

    def send() -> None:
        go.wait()
        try:
            found.add(job_submit(caller=caller, request=request, idempotency_key="k", body=BODY).job.external_id)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1
    assert Job.objects.count() == 1
