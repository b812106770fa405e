"""What the dashboard shows of the last hour, and who works."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from pdfservice.teams.models import Team


class MinuteFigures(models.Model):
    """What happened to the jobs of one template within a minute. Folded from the audit log (jobs_app/metrics/fold.py).

    The row without a template is for jobs that have none, and for how many jobs of the team waited at most.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="minute_figures")
    template = models.CharField(max_length=80, blank=True)
    minute = models.DateTimeField()
    accepted = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)
    pages = models.PositiveIntegerField(default=0)
    depth = models.PositiveIntegerField(default=0)
    # How often which duration was seen: jobs_app/figures/spread.py.
    waits = models.JSONField(default=dict)
    renders = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "template", "minute"], name="figures_once_per_minute"),
        ]
        indexes = [models.Index(fields=["minute"], name="figures_by_minute")]

    def __str__(self) -> str:
        return f"{self.template or '-'} at {self.minute:%H:%M}"


class WorkerPresence(models.Model):
    """A worker that lives, as the supervisor of its host saw it last."""

    cluster = models.CharField(max_length=200, unique=True, help_text="Jobs are claimed by CLUSTER/PROCESS.")
    host = models.CharField(max_length=200)
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    memory_kb = models.PositiveBigIntegerField(default=0, help_text="Of all its processes, renderers included.")

    class Meta:
        indexes = [models.Index(fields=["seen_at"], name="presence_by_time")]

    def __str__(self) -> str:
        return self.cluster
