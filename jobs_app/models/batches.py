"""Batches and their items. Only jobs_app/transitions/ writes `Batch.status`."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Case, Count, Exists, F, OuterRef, Q, Value, When
from django.utils import timezone

from downloads_app.models import FileState, StoredFile
from jobs_app.models.jobs import Job
from jobs_app.states import BATCH_OPEN, FINAL, UNDER_WAY, BatchStatus, OutputMode, SourceFormat, Status
from pdfservice.teams.callers import Caller
from pdfservice.teams.models import ApiKey, Team
from pdfservice.teams.scopes import Scope
from templates_app.models import TemplateVersion


class BatchQuerySet(models.QuerySet["Batch"]):
    """Reads of batches."""

    def visible_to(self, caller: Caller) -> BatchQuerySet:
        """Return what the caller may see: the team's batches, or with a narrower right those that they asked for."""
        batches = self.filter(team=caller.team)
        if caller.may(Scope.JOBS_READ):
            return batches
        return batches.filter(requested_by_user=caller.user, requested_by_key=caller.api_key)

    def open(self) -> BatchQuerySet:
        """Return the batches that have not ended."""
        return self.filter(status__in=BATCH_OPEN)

    def concerned_by(self, job: Job) -> BatchQuerySet:
        """Return the open batches for which the end of `job` may be the last thing they waited for."""
        of_items = BatchItem.objects.filter(job=job).values("batch")
        return self.open().filter(Q(pk__in=of_items) | Q(expansion=job) | Q(bundle=job))

    def unexpanded(self) -> BatchQuerySet:
        """Return the batches whose items have yet to become jobs."""
        return self.open().filter(expanded_at=None, cancel_requested_at=None)

    def forgettable(self, before: datetime) -> BatchQuerySet:
        """Return the batches that ended before that moment and whose jobs have all left the table."""
        ended = self.filter(finished_at__lt=before, expansion=None, bundle=None, idempotency_records=None)
        return ended.exclude(Exists(BatchItem.objects.filter(batch=OuterRef("pk"), job__isnull=False)))

    def source_spent(self) -> BatchQuerySet:
        """Return the batches whose stored body nobody needs any more."""
        ended = Q(expansion=None) | Q(expansion__status__in=FINAL)
        return self.filter(ended, source__state=FileState.LIVE)


class Batch(models.Model):
    """Many documents that one request asked for. `external_id` is the only id that callers see."""

    external_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="batches")
    # Settled when the batch is accepted: a version that is published meanwhile changes nothing.
    template_version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT, related_name="batches")
    requested_by_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="batches"
    )
    requested_by_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True, related_name="batches")
    # With whom its items may share jobs (jobs_app/dedup.py): empty for the whole team.
    shares_with = models.CharField(max_length=200, blank=True)

    options = models.JSONField(default=dict)
    # What opens the documents (jobs_app/passwords.py), encrypted, until every item has its job.
    sealed_passwords = models.TextField(blank=True)
    priority = models.PositiveSmallIntegerField(default=5)
    output_mode = models.CharField(max_length=10, choices=OutputMode.choices, default=OutputMode.SEPARATE)
    expires_in = models.PositiveIntegerField(null=True)

    # The request's items as they were sent, until they are expanded.
    source = models.OneToOneField(StoredFile, on_delete=models.PROTECT, null=True, related_name="batch_source")
    source_format = models.CharField(max_length=10, choices=SourceFormat.choices, default=SourceFormat.ITEMS)
    delimiter = models.CharField(max_length=1, blank=True)
    expansion = models.OneToOneField(Job, on_delete=models.SET_NULL, null=True, related_name="expanded_batch")
    # The job that makes one file of the documents; its output is the batch's.
    bundle = models.OneToOneField(Job, on_delete=models.SET_NULL, null=True, related_name="bundled_batch")

    status = models.CharField(max_length=10, choices=BatchStatus.choices, default=BatchStatus.QUEUED)
    # Null until it is known: a file's items are counted when it is expanded.
    total = models.PositiveIntegerField(null=True)
    # As many places in the queue are taken until the items have jobs (jobs_app/backpressure.py).
    reserved = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    expanded_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "batches"
        constraints = [
            models.CheckConstraint(condition=Q(status__in=BatchStatus.values), name="batch_status_known"),
            models.CheckConstraint(condition=Q(output_mode__in=OutputMode.values), name="batch_output_mode_known"),
            models.CheckConstraint(
                condition=Q(requested_by_user=None, requested_by_key__isnull=False)
                | Q(requested_by_user__isnull=False, requested_by_key=None),
                name="batch_has_one_requester",
            ),
            models.CheckConstraint(condition=Q(priority__range=(1, 10)), name="batch_priority_in_range"),
            models.CheckConstraint(
                condition=Q(status__in=BATCH_OPEN, finished_at=None)
                | (~Q(status__in=BATCH_OPEN) & Q(finished_at__isnull=False)),
                name="batch_ended_has_finished_at",
            ),
            models.CheckConstraint(
                condition=~Q(status=BatchStatus.FAILED) | ~Q(error_code=""), name="batch_failed_has_error"
            ),
            models.CheckConstraint(
                condition=Q(sealed_passwords="") | Q(finished_at=None, expanded_at=None),
                name="batch_expanded_has_no_passwords",
            ),
            models.CheckConstraint(
                condition=Q(expanded_at=None) | Q(total__isnull=False), name="batch_expanded_has_total"
            ),
        ]
        indexes = [
            models.Index(fields=["team", "-id"], name="batch_by_team"),
            models.Index(fields=["id"], condition=Q(status__in=BATCH_OPEN), name="batch_open"),
        ]

    def __str__(self) -> str:
        return str(self.external_id)


class BatchItemQuerySet(models.QuerySet["BatchItem"]):
    """Reads of items. An item's status is its job's; one without a job failed, was cancelled or outlived its job."""

    def with_status(self, only: str | None = None) -> BatchItemQuerySet:
        """Return the items, each with its `status` as callers see it; `only` those that have this one."""
        items = self.annotate(status=_status())
        return items if only is None else items.filter(status=only)

    def counts(self) -> dict[str, int]:
        """Return how many items stand where, in one query."""
        rows = self.annotate(status=_status()).order_by().values("status").annotate(count=Count("pk"))
        found = {row["status"]: row["count"] for row in rows}
        return {status: found.get(status, 0) for status in Status.values}

    def unfinished(self) -> BatchItemQuerySet:
        """Return the items that still wait for their job, the last first: jobs are served in the items' order."""
        return self.filter(error_code="", job__status__in=UNDER_WAY).order_by("-position")


def _status() -> Case:
    return Case(
        When(error_code="cancelled", then=Value(Status.CANCELLED)),
        When(~Q(error_code=""), then=Value(Status.FAILED)),
        When(job=None, then=Value(Status.EXPIRED)),
        default=F("job__status"),
        output_field=models.CharField(),
    )


class BatchItem(models.Model):
    """One document of a batch: the job that makes it, perhaps shared with others, or why there is none."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveIntegerField(help_text="From 0, in the order of the request.")
    line = models.PositiveIntegerField(null=True, help_text="Of the file that the item came in.")
    reference = models.CharField(max_length=200, blank=True)
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="batch_items")
    # Whether the job was made for this item; else an earlier one answers.
    owns_job = models.BooleanField(default=False)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    errors = models.JSONField(default=list, help_text="Faults with their pointers.")

    objects = BatchItemQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "position"], name="batch_item_once"),
            models.CheckConstraint(
                condition=Q(error_code="") | Q(job=None, owns_job=False), name="batch_item_job_or_error"
            ),
        ]

    def __str__(self) -> str:
        return f"item {self.position} of batch {self.batch_id}"
