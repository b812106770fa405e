"""`Prefer: wait=N`: what the header says, and what views do about it in their thread."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs_app import transitions
from jobs_app.prefer import HOLD, LONGEST_SECONDS, SCOPE, Hold, wait_seconds
from templates_app.models import TemplateVersion
from tests.conftest import Member
from tests.jobs.conftest import Submit

BODY: dict[str, Any] = {"template": "letter", "payload": {"name": "Ada"}}


def offering(hold: Hold) -> dict[str, Any]:
    """Return what a request carries whose answer may be held."""
    return {SCOPE: {HOLD: hold}}


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("wait=10", 10),
        ("WAIT = 10", 10),
        ('wait="10"', 10),
        ("respond-async, wait=5", 5),
        ("wait=5; strictly", 5),
        ("wait=5,wait=7", 5),
        ('foo="a, wait=3", wait=4', 4),
        ("wait=007", 7),
        ("wait=26", LONGEST_SECONDS),
        ("wait=" + "9" * 900, LONGEST_SECONDS),
    ],
)
def test_a_wait_is_read_as_rfc_7240_writes_it(header: str, seconds: int) -> None:
    assert wait_seconds(header) == seconds


@pytest.mark.parametrize(
    "header",
    [
        None, "", "wait", "wait=", "wait=0", "wait=000", "wait=-1", "wait=1.5", "wait=x", "wait=10s", "wait=²",
        "wait=٣", 'wait="10', "waiting=10", "await=10", "wait=x, wait=7", 'foo="wait=10"', "return=minimal",
        "wait=1" + " " * 1000,
    ],
)  # fmt: skip
def test_what_is_no_wait_is_ignored(header: str | None) -> None:
    assert wait_seconds(header) is None


@given(st.text(alphabet='wait=0123456789";, \\x', max_size=200))
def test_whatever_it_says_it_is_a_number_of_seconds_or_nothing(header: str) -> None:
    assert wait_seconds(header) in {None, *range(1, LONGEST_SECONDS + 1)}


def test_submitting_asks_for_the_answer_to_be_held(alice: Member, letter: TemplateVersion) -> None:
    hold = Hold()
    shown = alice.api.post("/pdf/generate", BODY, format="json", headers={"Prefer": "wait=9"}, **offering(hold)).json()
    assert hold.wish is not None
    assert (str(hold.wish.job_id), hold.wish.team_id) == (shown["id"], alice.team.pk)
    assert (hold.wish.seconds, hold.wish.deduplicated) == (9, False)
    again = Hold()
    alice.api.post("/pdf/generate", BODY, format="json", headers={"Prefer": "wait=9"}, **offering(again))
    assert again.wish is not None
    assert again.wish.deduplicated


def test_looking_asks_for_the_answer_to_be_held_while_the_job_is_under_way(alice: Member, submit: Submit) -> None:
    job = submit()
    url = f"/pdf/jobs/{job.external_id}"
    hold = Hold()
    response = alice.api.get(url, headers={"Prefer": "wait=99"}, **offering(hold))
    assert hold.wish is not None
    assert hold.wish.seconds == LONGEST_SECONDS
    assert "Preference-Applied" not in response.headers  # whoever holds it says so
    transitions.cancel(job, actor="test")
    ended = Hold()
    response = alice.api.get(url, headers={"Prefer": "wait=99"}, **offering(ended))
    assert (ended.wish, response.headers["Preference-Applied"]) == (None, "wait=25")


def test_nothing_is_held_that_nobody_asked_for_or_that_has_no_body(alice: Member, submit: Submit) -> None:
    url = f"/pdf/jobs/{submit().external_id}"
    hold = Hold()
    alice.api.get(url, **offering(hold))
    alice.api.get(url, headers={"Prefer": "wait=soon"}, **offering(hold))
    alice.api.head(url, headers={"Prefer": "wait=5"}, **offering(hold))
    assert hold.wish is None


def test_another_teams_job_is_not_waited_for(charlie: Member, submit: Submit) -> None:
    hold = Hold()
    url = f"/pdf/jobs/{submit().external_id}"
    assert charlie.api.get(url, headers={"Prefer": "wait=5"}, **offering(hold)).status_code == 404
    assert hold.wish is None


def test_under_a_plain_wsgi_server_the_answer_comes_at_once(alice: Member, letter: TemplateVersion) -> None:
    response = alice.api.post("/pdf/generate", BODY, format="json", headers={"Prefer": "wait=25"})
    assert (response.status_code, response.json()["status"]) == (202, "queued")
    assert "Preference-Applied" not in response.headers
