"""Jobs in the admin."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from jobs_app import transitions
from jobs_app.models import Job
from jobs_app.states import Status
from pdfservice.teams.models import User
from tests.conftest import Member
from tests.jobs.conftest import Submit
from tests.jobs.test_transitions import FINAL

pytestmark = pytest.mark.django_db
URL = "/admin/jobs_app/job/"


@pytest.fixture
def root() -> Client:
    """A superuser's browser."""
    client = Client()
    user = User.objects.create_superuser("root", password="a long pass phrase")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def act(client: Client, action: str) -> int:
    """Do an action to all jobs and return the status of the answer."""
    chosen = [str(pk) for pk in Job.objects.values_list("pk", flat=True)]
    return client.post(URL, {"action": action, "_selected_action": chosen}, follow=True).status_code


def test_a_selection_is_sent_back_and_cancelled(root: Client, submit: Submit, claim: Callable[[], Job]) -> None:
    submit()
    submit()
    transitions.fail(claim(), FINAL)
    assert act(root, "send_back") == 200
    assert set(Job.objects.values_list("status", flat=True)) == {Status.QUEUED}
    claim()
    assert act(root, "cancel") == 200
    assert Job.objects.filter(status=Status.CANCELLED).count() == 1
    assert Job.objects.get(status=Status.PROCESSING).cancel_requested_at is not None


def test_the_payload_is_not_shown(root: Client, submit: Submit) -> None:
    job = submit({"name": "Secret Ada"})
    page = root.get(f"{URL}{job.pk}/change/")
    assert page.status_code == 200
    assert "Secret Ada" not in page.content.decode()


def test_a_member_who_is_no_superuser_sees_and_steers_nothing(alice: Member, submit: Submit) -> None:
    submit()
    client = Client()
    client.force_login(alice.user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(URL).status_code == 403
    assert act(client, "cancel") == 403
    assert Job.objects.get().status == Status.QUEUED
