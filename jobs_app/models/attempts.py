"""The attempts of jobs."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from jobs_app.models.jobs import Job
from jobs_app.states import Outcome


class JobAttempt(models.Model):
    """One claim of a job and what came of it."""

    # `attempt_once_per_claim` begins with the job.
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="attempts", db_index=False)
    number = models.PositiveSmallIntegerField()
    claim_number = models.PositiveIntegerField()
    worker = models.CharField(max_length=200)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.RUNNING)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    peak_memory_kb = models.PositiveIntegerField(null=True)
    log = models.TextField(blank=True)

    class Meta:
        ordering = ["claim_number"]
        constraints = [
            models.UniqueConstraint(fields=["job", "claim_number"], name="attempt_once_per_claim"),
            models.CheckConstraint(
                condition=Q(outcome=Outcome.RUNNING, finished_at=None)
                | (~Q(outcome=Outcome.RUNNING) & Q(finished_at__isnull=False)),
                name="attempt_ended_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.job_id}: {self.outcome}"
