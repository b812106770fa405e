"""Many workers claim at the same time."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from jobs_app import transitions
from jobs_app.models import Job, JobAttempt
from tests.jobs.conftest import Submit

CLAIMERS = 8
JOBS = 120


@pytest.mark.django_db(transaction=True)
def test_many_claimers_take_every_job_once_and_each_the_best_first(submit: Submit) -> None:
    for number in range(JOBS):
        submit(priority=1 + number * 7 % 10)
    ready = threading.Barrier(CLAIMERS)

    def work(name: int) -> list[tuple[int, int, int]]:
        taken = []
        ready.wait()
        try:
            while job := transitions.claim(worker=f"here/{name}"):
                taken.append((job.effective_priority, job.turn, job.pk))
        finally:
            connection.close()
        return taken

    with ThreadPoolExecutor(CLAIMERS) as pool:
        rows = list(pool.map(work, range(CLAIMERS)))
    assert sorted(pk for row in rows for *_, pk in row) == sorted(Job.objects.values_list("pk", flat=True))
    assert all(row == sorted(row) for row in rows)
    assert set(Job.objects.values_list("status", "attempt_count", "claim_number")) == {("processing", 1, 1)}
    assert Counter(JobAttempt.objects.values_list("job", flat=True)).most_common(1)[0][1] == 1
