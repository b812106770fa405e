"""Jobs in the admin."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from jobs_app import transitions
from jobs_app.models import Job
from jobs_app.states import Status
from pdfservice.teams.models import Membership, Team, User
from pdfservice.teams.scopes import Role
from templates_app.models import TemplateVersion
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


def act(client: Client | APIClient, action: str) -> int:
    """Do an action to all jobs and return the status of the answer."""
    chosen = [str(pk) for pk in Job.objects.values_list("pk", flat=True)]
    return int(client.post(URL, {"action": action, "_selected_action": chosen}, follow=True).status_code)


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


def test_operators_steer_the_jobs_of_their_own_team_and_viewers_none(
    alice: Member, bob: Member, charlie: Member, submit: Submit
) -> None:
    job = submit()
    for stranger in (bob, charlie):
        act(stranger.browser, "cancel")
        job.refresh_from_db()
        assert job.status == Status.QUEUED
    assert act(alice.browser, "cancel") == 200
    job.refresh_from_db()
    assert job.status == Status.CANCELLED


def test_who_steers_in_one_team_only_looks_in_another(charlie: Member, acme: Team, submit: Submit) -> None:
    Membership.objects.create(user=charlie.user, team=acme, role=Role.VIEWER)
    job = submit()
    assert str(job.external_id) in charlie.browser.get(URL).content.decode()
    act(charlie.browser, "cancel")
    job.refresh_from_db()
    assert job.status == Status.QUEUED


def test_operators_see_the_payload_without_what_its_schema_hides(alice: Member, bob: Member, submit: Submit) -> None:
    job = submit({"name": "Secret Ada", "city": "Zurich"})
    schema = {"properties": {"name": {"x-redact": True}, "city": {"type": "string"}}}
    assert job.template_version is not None
    version = TemplateVersion.objects.create(
        template=job.template_version.template, version=99, language="jinja2", payload_schema=schema
    )
    Job.objects.filter(pk=job.pk).update(template_version=version)
    page = alice.browser.get(f"{URL}{job.pk}/change/").content.decode()
    assert "Zurich" in page
    assert "Secret Ada" not in page
    assert "Zurich" not in bob.browser.get(f"{URL}{job.pk}/change/").content.decode()
