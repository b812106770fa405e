"""The pages of the dashboard, as the server paints them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs_app import executor, transitions
from jobs_app.figures import store
from jobs_app.live.board import board
from jobs_app.metrics.fold import fold
from jobs_app.models import Job, MinuteFigures
from jobs_app.outcomes import Failure
from pdfservice.teams.models import Membership, Team, User
from pdfservice.teams.scopes import Role
from templates_app.models import TemplateVersion
from tests.conftest import Member
from tests.jobs.conftest import Submit, publish

pytestmark = pytest.mark.django_db(transaction=True)

FOR_GOOD = Failure("template_error", "Nothing is called so.", permanent=True)


def shown(page: str, name: str) -> str:
    """Return the text of a number on the page."""
    found = re.search(rf'data-(?:value|ms)="{name}">([^<]*)<', page)
    assert found, name
    return found[1]


def page_of(member: Member, address: str = "/dashboard/", status: int = 200) -> str:
    """Return a page as a member's browser gets it."""
    answer = member.browser.get(address)
    assert answer.status_code == status, answer.content
    return str(answer.content.decode())


def make(claim: Callable[[], Job]) -> Job:
    """Make the best waiting document."""
    job = claim()
    executor.perform(job)
    return Job.objects.get(pk=job.pk)


def test_the_first_paint_shows_the_numbers_of_this_moment(
    submit: Submit, claim: Callable[[], Job], alice: Member
) -> None:
    for _ in range(5):
        submit()
    make(claim), make(claim)
    transitions.fail(claim(), FOR_GOOD)
    transitions.retry(claim(), Failure("render_crash", "", permanent=False), delay=timedelta(hours=1))
    page = page_of(alice)
    numbers = {name: shown(page, name) for name in ("waiting", "depth", "retrying", "done", "failed", "made", "dead")}
    assert numbers == {
        "waiting": "2", "depth": "1", "retrying": "1", "done": "2", "failed": "1", "made": "2", "dead": "1",
    }  # fmt: skip
    assert shown(page, "render_p50").endswith(" ms")
    assert "Nothing is called so." in page


def test_the_numbers_are_the_same_whether_they_were_folded_or_not(
    submit: Submit, claim: Callable[[], Job], alice: Member
) -> None:
    submit(), submit()
    make(claim)
    before = page_of(alice)
    fold(settled_after=timedelta()), fold(settled_after=timedelta())
    assert MinuteFigures.objects.get(template="letter").done == 1
    make(claim)  # this one comes from the log, the other from its minute
    board.forget()
    after = page_of(alice)
    names = ("done", "made", "failed")
    assert [shown(before, name) for name in names] == ["1", "1", "0"]
    assert [shown(after, name) for name in names] == ["2", "2", "0"]


def test_queues_are_measured_and_old_minutes_forgotten(submit: Submit) -> None:
    submit(), submit()
    assert store.sample_depths() == 1
    assert MinuteFigures.objects.get(template="").depth == 2
    submit()
    store.sample_depths()
    assert MinuteFigures.objects.get(template="").depth == 3
    assert store.forget_old() == 0
    MinuteFigures.objects.update(minute=MinuteFigures.objects.get().minute - store.KEPT)
    assert store.forget_old() == 1


def test_a_team_sees_nothing_of_another(submit: Submit, claim: Callable[[], Job], charlie: Member) -> None:
    submit(), submit()
    job = make(claim)
    page = page_of(charlie)
    assert (shown(page, "waiting"), shown(page, "done"), shown(page, "made")) == ("0", "0", "0")
    assert "letter" not in page.replace("Dead letters", "")
    assert "acme" not in page.lower()
    page_of(charlie, "/dashboard/?team=acme", 404)
    page_of(charlie, "/dashboard/?team=*", 404)
    for address in ("", "/first-page.png", "/document"):
        page_of(charlie, f"/dashboard/jobs/{job.external_id}{address}", 404)


def test_whoever_is_not_signed_in_is_sent_to_the_door_and_back(client: Any, alice: Member) -> None:
    answer = client.get("/dashboard/?team=acme")
    assert (answer.status_code, answer["Location"]) == (302, "/dashboard/sign-in/?next=/dashboard/%3Fteam%3Dacme")
    door = client.get(answer["Location"])
    assert door.status_code == 200
    wrong = client.post("/dashboard/sign-in/", {"username": "alice", "password": "wrong"})
    assert wrong.status_code == 200
    assert 'role="alert"' in wrong.content.decode()
    into = {"username": "alice", "password": "a long pass phrase", "next": "/dashboard/?team=acme"}
    assert client.post("/dashboard/sign-in/", into)["Location"] == "/dashboard/?team=acme"
    elsewhere = {**into, "next": "https://elsewhere.example/"}
    assert client.post("/dashboard/sign-in/", elsewhere)["Location"] == "/dashboard/"
    assert client.post("/dashboard/sign-out/").status_code == 302
    assert client.get("/dashboard/").status_code == 302


def test_a_member_who_may_not_enter_the_admin_signs_in_too(client: Any, bob: Member) -> None:
    User.objects.filter(pk=bob.user.pk).update(is_staff=False)
    answer = client.post("/dashboard/sign-in/", {"username": "bob", "password": "a long pass phrase"}, follow=True)
    assert answer.status_code == 200
    assert answer.redirect_chain == [("/dashboard/", 302)]


def test_somebody_without_a_team_is_told_so(client: Any, db: None) -> None:
    client.force_login(User.objects.create_user("nobody"), backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get("/dashboard/")
    assert answer.status_code == 403
    assert "not a member of any team" in answer.content.decode()
    assert client.get(f"/dashboard/jobs/{uuid.uuid4()}").status_code == 404


def test_members_of_several_teams_choose(alice: Member, umbrella: Team) -> None:
    assert 'id="team"' not in page_of(alice)
    Membership.objects.create(user=alice.user, team=umbrella, role=Role.VIEWER)
    page = page_of(alice, "/dashboard/?team=umbrella")
    assert '<option value="umbrella" selected>' in page
    assert "All teams" not in page


def test_superusers_see_all_teams_and_each(client: Any, submit: Submit, claim: Callable[[], Job]) -> None:
    submit(), submit()
    job = make(claim)
    user = User.objects.create_superuser("sam")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    everything = client.get("/dashboard/").content.decode()
    assert '<option value="*" selected>All teams' in everything
    assert (shown(everything, "waiting"), shown(everything, "done")) == ("1", "1")
    assert "acme / letter" in everything
    assert shown(client.get("/dashboard/?team=acme").content.decode(), "done") == "1"
    page = client.get(f"/dashboard/jobs/{job.external_id}").content.decode()
    assert "data-act" not in page  # looking on, without a role in the team


def test_nothing_but_looking_is_allowed(alice: Member) -> None:
    assert alice.browser.post("/dashboard/").status_code == 405
    assert alice.browser.get("/dashboard/")["Cache-Control"] == "private, no-store"


def test_opening_pages_again_and_again_does_not_count_again(submit: Submit, alice: Member, bob: Member) -> None:
    submit()
    browser = alice.browser
    browser.get("/dashboard/")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        browser.get("/dashboard/")
    assert not [query for query in queries if "COUNT" in query["sql"]]


def test_the_page_of_a_job_tells_its_story(
    submit: Submit, claim: Callable[[], Job], alice: Member, bob: Member
) -> None:
    submit({"name": "Grace <b>Hopper</b>"})
    job = make(claim)
    link = alice.api.post(f"/pdf/jobs/{job.external_id}/links", {"max_uses": 3}, format="json")
    assert link.status_code == 201
    page = page_of(bob, f"/dashboard/jobs/{job.external_id}")
    for text in ("queued", "processing", "0 of 3 uses", "Download", "1 page", "Operators of the team can see it."):
        assert text in page, text
    assert "Hopper" not in page
    assert "data-act" not in page  # a viewer
    assert "data-revoke" not in page
    own = page_of(alice, f"/dashboard/jobs/{job.external_id}")
    assert "data-revoke" in own
    # No schema says what may be shown: the shape is all there is to see.
    assert "&quot;name&quot;" in own
    assert "Hopper" not in own
    waiting = submit()
    assert 'data-act="cancel"' in page_of(alice, f"/dashboard/jobs/{waiting.external_id}")
    transitions.fail(claim(), FOR_GOOD)
    failed = page_of(alice, f"/dashboard/jobs/{waiting.external_id}")
    assert 'data-act="retry"' in failed
    assert "Nothing is called so." in failed


def test_what_cannot_be_made_again_offers_no_retry(submit: Submit, claim: Callable[[], Job], alice: Member) -> None:
    job = submit()
    transitions.fail(claim(), FOR_GOOD)
    address = f"/dashboard/jobs/{job.external_id}"
    assert f'data-retry="{job.external_id}"' in page_of(alice)
    Job.objects.filter(pk=job.pk).update(options={"encryption": {}})  # its password went with its end
    assert "data-retry" not in page_of(alice)
    assert 'data-act="retry"' not in page_of(alice, address)


def test_what_the_schema_marks_is_masked(alice: Member, letter: TemplateVersion, claim: Callable[[], Job]) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "x-redact": True}, "place": {"type": "string"}},
    }
    publish(alice, "private", "<p>{{ name }}", payload_schema=schema)
    body = {"template": "private", "payload": {"name": "Ada Lovelace", "place": "London"}}
    job = alice.api.post("/pdf/generate", body, format="json").json()["id"]
    page = page_of(alice, f"/dashboard/jobs/{job}")
    assert "London" in page
    assert "Lovelace" not in page


def test_the_first_page_is_a_picture(submit: Submit, claim: Callable[[], Job], alice: Member) -> None:
    submit()
    job = make(claim)
    answer = alice.browser.get(f"/dashboard/jobs/{job.external_id}/first-page.png")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert answer.content.startswith(b"\x89PNG")
    again = alice.browser.get(f"/dashboard/jobs/{job.external_id}/first-page.png", HTTP_IF_NONE_MATCH=answer["ETag"])
    assert again.status_code == 304
    waiting = submit()
    assert alice.browser.get(f"/dashboard/jobs/{waiting.external_id}/first-page.png").status_code == 404
    document: Any = alice.browser.get(f"/dashboard/jobs/{job.external_id}/document")
    assert document["Content-Disposition"].startswith("attachment")
    assert b"".join(document.streaming_content).startswith(b"%PDF-")
