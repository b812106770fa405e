"""What callers' Idempotency-Keys stand for."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from jobs_app.models.batches import Batch
from jobs_app.models.jobs import Job
from pdfservice.teams.models import Team


class IdempotencyRecord(models.Model):
    """What a caller's Idempotency-Key stands for: the first request that came with it, and the job or batch it got."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="idempotency_records")
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, null=True, related_name="idempotency_records")
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, null=True, related_name="idempotency_records")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "key"], name="idempotency_key_once_per_team"),
            models.CheckConstraint(
                condition=Q(job__isnull=False, batch=None) | Q(job=None, batch__isnull=False),
                name="idempotency_job_or_batch",
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_by_age")]

    def __str__(self) -> str:
        return self.key
