"""How often a document asks the database: what is added here is paid for by every job."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.test.utils import CaptureQueriesContext

from jobs_app import executor, fairness, transitions
from jobs_app.models import Job
from jobs_app.transitions import holding
from pdfservice.lib.statements import Statement, in_index_order
from tests.jobs.conftest import WORKER, Submit

# As in a worker, where each claim and each end is a transaction of its own.
pytestmark = pytest.mark.django_db(transaction=True)

# Claim: take; attempt and event. Deliver: file; done, file live, attempt, event and who wants to be told. Then: does a
# batch wait for it? What a semicolon does not part goes to PostgreSQL together.
JOURNEYS = {"postgresql": 5, "sqlite": 10}


def test_a_document_of_a_version_seen_before_takes_few_journeys_to_the_database(submit: Submit) -> None:
    for _ in range(3):
        submit()
    work()
    work()
    with CaptureQueriesContext(connection) as asked:
        job = work()
    assert Job.objects.get(pk=job.pk).status == "done"
    boundaries = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    journeys = [each["sql"] for each in asked if not each["sql"].startswith(boundaries)]
    assert len(journeys) <= JOURNEYS[connection.vendor], "\n".join(sql[:200] for sql in journeys)


def test_the_queue_is_read_in_the_order_of_its_indexes_whatever_the_database_believes(submit: Submit) -> None:
    served, own_last = fairness._ends(connection.vendor)
    with transaction.atomic(), connection.cursor() as cursor:
        # As for a queue that has just filled up: to sort one row would be the cheapest thing to do.
        cursor.execute("ANALYZE jobs_app_job")
        for _ in range(5):
            submit()
        for statements, index in (
            (holding._claiming(WORKER), "job_claimable"),
            (in_index_order(served), "job_claimable"),
            (in_index_order(own_last), "job_turn_of_team"),
        ):
            plan = explained(cursor, statements)
            assert index in plan, plan
            assert "Sort" not in plan, plan
            assert "TEMP B-TREE" not in plan, plan


def explained(cursor: CursorWrapper, statements: list[Statement]) -> str:
    """Return how the database would read the one of `statements` that has values."""
    explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
    plan = ""
    for statement in statements:
        if statement.values:
            cursor.execute(explain + statement.sql, statement.values)
            plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
        else:
            cursor.execute(statement.sql)
    return plan


def work() -> Job:
    """Make the next document as a worker does."""
    job = transitions.claim(worker=WORKER)
    assert job is not None
    executor.perform(job)
    executor._settle_batches(job)
    return job
