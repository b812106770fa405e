"""The same work is done once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from downloads_app.models import StoredFile
from jobs_app import dedup, transitions
from jobs_app.dedup import canonical
from jobs_app.models import Job
from jobs_app.submission import RenderRequest, job_submit
from pdfservice.teams.models import AuditEvent
from pdfservice.teams.scopes import Role, Scope
from templates_app.models import AssetType, TemplateVersion
from templates_app.services import NewAsset
from tests.conftest import Member, member
from tests.jobs.conftest import publish
from tests.jobs.test_transitions import FINAL, result_for

pytestmark = pytest.mark.django_db
URL = "/pdf/generate"
BODY: dict[str, Any] = {"template": "letter", "payload": {"name": "Ada", "town": "London"}}


def post(who: Member, **changes: Any) -> dict[str, Any]:
    """Send the request, changed, and return the job that answers."""
    response = who.api.post(URL, {**BODY, **changes}, format="json")
    assert response.status_code == 202, response.content
    shown: dict[str, Any] = response.json()
    return shown


def test_an_equal_request_gets_the_job_that_is_under_way(alice: Member, letter: TemplateVersion) -> None:
    first, second = post(alice), post(alice)
    assert (first["deduplicated"], second["deduplicated"]) == (False, True)
    assert first["id"] == second["id"]
    assert Job.objects.count() == 1
    assert AuditEvent.objects.filter(action="job.shared").count() == 1


def test_neither_the_order_of_keys_nor_white_space_matters(alice: Member, letter: TemplateVersion) -> None:
    first = post(alice)
    text = json.dumps({"payload": {"town": "London", "name": "Ada"}, "template": "letter"}, indent=4)
    second = alice.api.post(URL, text, content_type="application/json").json()
    assert second["id"] == first["id"]


def test_every_difference_that_shows_makes_another_job(alice: Member, letter: TemplateVersion) -> None:
    jobs = {post(alice)["id"], post(alice, payload={"name": "Bob"})["id"], post(alice, options={"filename": "x"})["id"]}
    publish(alice, "letter", "<h1>Dear {{ name }}</h1>", css_source="h1 { color: red }")
    jobs.add(post(alice)["id"])
    jobs.add(post(alice, version=1, payload={"name": "Ada", "town": "Paris"})["id"])
    assert len(jobs) == 5


def test_another_asset_of_the_same_name_makes_another_job(alice: Member, letter: TemplateVersion) -> None:
    def with_logo(data: bytes) -> Any:
        logo = NewAsset(name="logo.svg", asset_type=AssetType.LOGO, content_type="image/svg+xml", data=data)
        publish(alice, "letter", "<h1>Dear {{ name }}</h1><img src='asset:logo.svg'>", assets=[logo])
        return post(alice)["id"]

    jobs = {with_logo(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), with_logo(b"<svg/>")}
    assert len(jobs) == 2
    assert len(set(Job.objects.values_list("cache_key", flat=True))) == 2
    assert len(set(TemplateVersion.objects.exclude(version=1).values_list("content_hash", flat=True))) == 2


def test_a_fresh_render_can_be_asked_for(alice: Member, letter: TemplateVersion) -> None:
    assert post(alice)["id"] != post(alice, dedup=False)["id"]
    assert Job.objects.count() == 2


def test_another_teams_equal_request_is_its_own(alice: Member, charlie: Member, letter: TemplateVersion) -> None:
    publish(charlie, "letter", "<h1>Dear {{ name }}</h1>")
    assert post(alice)["id"] != post(charlie)["id"]


def test_who_may_only_see_their_own_jobs_shares_with_nobody(alice: Member, letter: TemplateVersion) -> None:
    petra = member("petra", alice.team, Role.VIEWER, scopes=[Scope.JOBS_WRITE, Scope.JOBS_READ_OWN])
    theirs, own = post(alice)["id"], post(petra)["id"]
    assert theirs != own
    assert petra.api.get(f"/pdf/jobs/{own}").status_code == 200


def test_a_finished_job_answers_while_its_output_lives(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job]
) -> None:
    first = post(alice)
    job = claim()
    transitions.complete(job, result_for(job))
    second = post(alice)
    assert (second["id"], second["status"], second["deduplicated"]) == (first["id"], "done", True)
    StoredFile.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert post(alice)["id"] != first["id"]


def test_a_failed_job_answers_for_nobody(alice: Member, letter: TemplateVersion, claim: Callable[[], Job]) -> None:
    first = post(alice)
    transitions.fail(claim(), FINAL)
    assert post(alice)["id"] != first["id"]


@pytest.mark.parametrize("finished", [False, True])
def test_the_longest_keeping_that_anyone_asked_for_wins(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job], finished: bool
) -> None:
    post(alice, expires_in=3600)
    job = claim()
    if finished:
        transitions.complete(job, result_for(job))
    post(alice, expires_in=7200)
    post(alice, expires_in=60)
    if not finished:
        transitions.complete(job, result_for(job))
    kept = StoredFile.objects.get().expires_at
    assert kept is not None
    assert timedelta(seconds=7100) < kept - timezone.now() < timedelta(seconds=7300)
    post(alice, expires_in=None)
    assert StoredFile.objects.get().expires_at is None
    post(alice, expires_in=60)
    assert StoredFile.objects.get().expires_at is None


def test_the_most_urgent_wish_wins(alice: Member, letter: TemplateVersion) -> None:
    post(alice, priority=7)
    assert post(alice, priority=2)["priority"] == 2
    assert post(alice, priority=9)["priority"] == 2


@pytest.mark.django_db(transaction=True)
def test_two_hundred_equal_requests_at_once_make_one_job(alice: Member, letter: TemplateVersion) -> None:
    caller, found, go = alice.caller, set(), threading.Barrier(50)

    def send() -> None:
        go.wait()
        try:
            for _ in range(4):
                request = RenderRequest(template="letter", payload=BODY["payload"])
                found.add(job_submit(caller=caller, request=request).job.external_id)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1
    assert Job.objects.count() == 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    )
)
def test_canonical_json_is_the_same_for_every_order_of_keys(value: Any) -> None:
    def turned(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: turned(item[key]) for key in reversed(item)}
        return [turned(inner) for inner in item] if isinstance(item, list) else item

    assert canonical(turned(value)) == canonical(value)


def test_work_that_ends_between_the_look_and_the_insert_answers(
    alice: Member, letter: TemplateVersion, claim: Callable[[], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = post(alice)
    job = claim()
    transitions.complete(job, result_for(job))
    real = dedup.find
    seen: list[Any] = []

    def blind_at_first(**wanted: Any) -> Job | None:
        seen.append(wanted)
        return None if len(seen) == 1 else real(**wanted)

    monkeypatch.setattr(dedup, "find", blind_at_first)
    assert post(alice)["id"] == first["id"]
    assert (Job.objects.count(), len(seen)) == (1, 2)
