"""The arrow out of the table: jobs that are written down elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from downloads_app import services as files
from jobs_app.models import Job


def depart(jobs: Sequence[Job], *, before: datetime) -> bool:
    """Delete jobs that ended before that moment, with their attempts and the rows of their outputs: all or none.

    False, and nothing is deleted, when one of them is not any more what it was when it was read: somebody sent it back,
    or something points at it now.
    """
    read = {(job.pk, job.status, job.claim_number, job.finished_at) for job in jobs}
    with transaction.atomic():
        unchanged = Job.objects.archivable(before).filter(pk__in=[job.pk for job in jobs])
        locked = unchanged.order_by("pk").select_for_update(of=("self",))
        if set(locked.values_list("pk", "status", "claim_number", "finished_at")) != read:
            return False
        Job.objects.filter(pk__in=[job.pk for job in jobs]).delete()
        files.files_forget(ids=[job.output_id for job in jobs if job.output_id])
    return True
