"""Batches in the admin."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from jobs_app import executor, transitions
from jobs_app.models import Batch, Job
from jobs_app.states import BatchStatus, Kind, Status
from templates_app.models import TemplateVersion
from tests.conftest import Member
from tests.jobs.conftest import WORKER, accepted_batch, letters
from tests.jobs.test_admin import root
from tests.jobs.test_transitions import FINAL

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/admin/jobs_app/batch/"

__all__ = ["root"]


def act(client: Client | APIClient, action: str) -> int:
    """Do an action to all batches and return the status of the answer."""
    chosen = [str(pk) for pk in Batch.objects.values_list("pk", flat=True)]
    return int(client.post(URL, {"action": action, "_selected_action": chosen}, follow=True).status_code)


def test_a_batch_shows_its_progress_and_no_references(root: Client, alice: Member, letter: TemplateVersion) -> None:
    batch = accepted_batch(alice, [*letters("Secret Ada"), "text"])
    page = root.get(f"{URL}{batch.pk}/change/").content.decode()
    assert "queued 1, failed 1" in page
    assert "Secret Ada" not in page
    assert root.get(URL).status_code == 200


def test_batches_are_cancelled_and_their_failures_sent_back(
    root: Client, alice: Member, letter: TemplateVersion, claim: Callable[[], Job]
) -> None:
    accepted_batch(alice, letters("Ada"))
    transitions.fail(claim(), FINAL)
    assert act(root, "retry_failed") == 200
    assert Job.objects.get(kind=Kind.RENDER).status == Status.QUEUED
    assert act(root, "cancel") == 200
    assert Batch.objects.get().status == BatchStatus.CANCELLED
    assert act(root, "cancel") == 200
    assert executor.work_off(worker=WORKER) == 0


def test_operators_cancel_the_batches_of_their_own_team(
    alice: Member, bob: Member, charlie: Member, letter: TemplateVersion
) -> None:
    batch = accepted_batch(alice, letters("Ada"))
    for stranger in (bob, charlie):
        act(stranger.browser, "cancel")
        batch.refresh_from_db()
        assert batch.cancel_requested_at is None
    assert act(alice.browser, "cancel") == 200
    batch.refresh_from_db()
    assert batch.cancel_requested_at is not None
