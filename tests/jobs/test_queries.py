"""How often a document asks the database: what is added here is paid for by every job."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs_app import executor, transitions
from jobs_app.models import Job
from tests.jobs.conftest import WORKER, Submit

# The heartbeat looks by a connection of its own: it must see what there is.
pytestmark = pytest.mark.django_db(transaction=True)

# Claim: pick, take, attempt, event. Deliver: file, done, file live, attempt, event, who wants to be told. Then: does a
# batch wait for it?
MOST = 11


def test_a_document_of_a_version_seen_before_takes_eleven_statements(submit: Submit) -> None:
    for _ in range(3):
        submit()
    work()
    work()
    with CaptureQueriesContext(connection) as asked:
        job = work()
    assert Job.objects.get(pk=job.pk).status == "done"
    boundaries = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    statements = [each["sql"] for each in asked if not each["sql"].startswith(boundaries)]
    assert len(statements) <= MOST, "\n".join(sql[:200] for sql in statements)


def work() -> Job:
    """Make the next document as a worker does."""
    job = transitions.claim(worker=WORKER)
    assert job is not None
    executor.perform(job)
    executor._settle_batches(job)
    return job
