"""Jobs. Only jobs_app/transitions/ writes `Job.status`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce, Greatest, Least, Now
from django.utils import timezone

from downloads_app.models import StoredFile
from jobs_app.states import FINAL, Kind, Status
from pdfservice.teams.callers import Caller
from pdfservice.teams.models import ApiKey, Team
from pdfservice.teams.scopes import Scope
from templates_app.models import TemplateVersion

# However short the output would have been kept: somebody has to notice a dead letter before it cannot be repeated.
_PAYLOAD_KEPT_AT_LEAST = 86_400


class JobQuerySet(models.QuerySet["Job"]):
    """Reads of jobs."""

    def for_team(self, team: Team) -> JobQuerySet:
        """Return the jobs of `team`."""
        return self.filter(team=team)

    def claimable(self) -> JobQuerySet:
        """Return the jobs that a worker may take now, the best first."""
        return self.filter(status=Status.QUEUED, run_at=None).order_by("effective_priority", "turn", "id")

    def waiting_for_retry(self) -> JobQuerySet:
        """Return the jobs that wait between two attempts."""
        return self.filter(status=Status.QUEUED, run_at__isnull=False)

    def under_way(self) -> JobQuerySet:
        """Return the jobs that workers hold."""
        return self.filter(status=Status.PROCESSING)

    def held_by(self, worker_prefix: str) -> JobQuerySet:
        """Return the jobs that workers hold whose name begins so."""
        return self.filter(status=Status.PROCESSING, claimed_by__startswith=worker_prefix)

    def visible_to(self, caller: Caller) -> JobQuerySet:
        """Return what the caller may see: the team's jobs, or with a narrower right those that they asked for.

        Expanding a batch is our own business.
        """
        jobs = self.for_team(caller.team).exclude(kind=Kind.EXPAND)
        if caller.may(Scope.JOBS_READ):
            return jobs
        return jobs.filter(requested_by_user=caller.user, requested_by_key=caller.api_key)

    def narrowed(
        self,
        *,
        status: str | None = None,
        template: str | None = None,
        error_code: str | None = None,
        queued_after: datetime | None = None,
        finished_after: datetime | None = None,
        ids: Sequence[uuid.UUID] | None = None,
        batch: uuid.UUID | None = None,
    ) -> JobQuerySet:
        """Return the jobs that fit every filter given."""
        of_batch = Job.objects.filter(batch_items__batch__external_id=batch).values("pk") if batch else None
        wanted = {
            "status": status,
            "template_version__template__slug": template,
            "error_code": error_code,
            "queued_at__gt": queued_after,
            "finished_at__gt": finished_after,
            "external_id__in": ids,
            "pk__in": of_batch,
        }
        return self.filter(**{lookup: value for lookup, value in wanted.items() if value is not None})

    def between_attempts(self) -> JobQuerySet:
        """Return the jobs that wait for their next attempt."""
        return self.filter(status=Status.QUEUED, run_at__isnull=False)

    def retry_due(self) -> JobQuerySet:
        """Return the jobs whose wait between two attempts is over."""
        return self.filter(status=Status.QUEUED, run_at__lte=Now())

    def lease_lost(self) -> JobQuerySet:
        """Return the jobs whose worker has not been heard of in time."""
        return self.filter(status=Status.PROCESSING, lease_expires_at__lt=Now())

    def output_expired(self) -> JobQuerySet:
        """Return the finished jobs whose output's time is over."""
        return self.filter(status=Status.DONE, output__expires_at__lte=Now())

    def payload_due(self) -> JobQuerySet:
        """Return the dead letters and cancelled jobs whose payload has been kept long enough to repeat them.

        That is as long as their output would have been kept, but a day at least, and no longer than jobs stay at all.
        """
        longest = timedelta(days=settings.ARCHIVE_AFTER_DAYS).total_seconds()
        seconds = ExpressionWrapper(
            Least(Greatest(Coalesce("expires_in", int(longest)), _PAYLOAD_KEPT_AT_LEAST), int(longest)),
            output_field=models.IntegerField(),
        )
        kept = ExpressionWrapper(seconds * Value(timedelta(seconds=1)), output_field=models.DurationField())
        until = ExpressionWrapper(F("finished_at") + kept, output_field=models.DateTimeField())
        # What ended lately is not due in any case: this lets the index answer.
        old_enough = Q(finished_at__lte=Now() - timedelta(seconds=_PAYLOAD_KEPT_AT_LEAST))
        ended = self.filter(old_enough, status__in=(Status.FAILED, Status.CANCELLED), payload__isnull=False)
        return ended.alias(payload_until=until).filter(payload_until__lte=Now())

    def archivable(self, before: datetime) -> JobQuerySet:
        """Return the jobs that ended before that moment, whose output is gone, and that nobody needs any more.

        A job that a row of another table cannot do without (an idempotency key, say) stays as long as that row.
        """
        over = Q(status__in=(Status.FAILED, Status.CANCELLED, Status.EXPIRED)) | Q(status=Status.DONE, kind=Kind.EXPAND)
        ended = self.filter(over, finished_at__lt=before)
        gone = ended.filter(Q(output=None) | Q(output__bytes_deleted_at__isnull=False))
        for relation in Job._meta.related_objects:
            if relation.name != "attempts" and relation.on_delete is not models.SET_NULL:
                referring = relation.related_model._base_manager.filter(**{relation.field.name: OuterRef("pk")})
                gone = gone.filter(~Exists(referring))
        return gone

    def repeatable(self) -> JobQuerySet:
        """Return the jobs that could be made again: those whose passwords went with their end could not."""
        return self.filter(payload__isnull=False).exclude(options__has_key="encryption")

    def waiting_since(self, moment: datetime) -> JobQuerySet:
        """Return the claimable jobs that nobody has taken since `moment`."""
        return self.filter(status=Status.QUEUED, run_at=None, due_since__lt=moment)


class Job(models.Model):
    """One unit of background work. `external_id` is the only id that callers see."""

    external_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # Every index is written at each of a job's steps: `job_by_team` begins with the team as well.
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="jobs", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.RENDER)
    template_version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT, null=True, related_name="jobs")
    requested_by_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="jobs"
    )
    requested_by_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True, related_name="jobs")

    # What equal work has in common (jobs_app/dedup.py); empty for a job that wants to be alone.
    cache_key = models.CharField(max_length=64, blank=True)

    # Somebody else than the first requester waits for it too: a batch that is cancelled leaves it alone.
    is_shared = models.BooleanField(default=False)

    # JSON text as it goes to the renderer; null once it was erased. The hash stays.
    payload = models.TextField(null=True)
    payload_hash = models.CharField(max_length=64)
    options = models.JSONField(default=dict)
    # What opens the document (jobs_app/passwords.py), encrypted; gone once the job has ended.
    sealed_passwords = models.TextField(blank=True)

    priority = models.PositiveSmallIntegerField(default=5)
    effective_priority = models.PositiveSmallIntegerField(default=5)
    turn = models.BigIntegerField(default=0)
    # When waiting has earned it the next higher priority (jobs_app/fairness.py).
    climb_at = models.DateTimeField(null=True)

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    # The fencing token: grows with every claim and never goes back.
    claim_number = models.PositiveIntegerField(default=0)
    claimed_by = models.CharField(max_length=200, blank=True)
    lease_expires_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    # The document lies in the spool of its worker's host and only storing is left: losing the worker costs no attempt.
    is_spooled = models.BooleanField(default=False)

    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    error_detail = models.JSONField(default=dict, help_text="file, line, column and path where they are known")
    warnings = models.JSONField(default=list)
    timings = models.JSONField(default=dict, help_text="milliseconds by stage")
    page_count = models.PositiveIntegerField(null=True)
    # What the output was made from and with (jobs_app/provenance.py): it outlives payload and output.
    provenance = models.JSONField(null=True)
    output = models.OneToOneField(StoredFile, on_delete=models.PROTECT, null=True, related_name="job")

    queued_at = models.DateTimeField(default=timezone.now)
    # Since when a worker could have taken it: queued_at, or the moment when it came back.
    due_since = models.DateTimeField(default=timezone.now)
    # Set while the job waits between two attempts; maintain clears it when the time has come.
    run_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # How long the output is kept, in seconds: as asked for, null keeps it.
    expires_in = models.PositiveIntegerField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=Status.values), name="job_status_known"),
            models.CheckConstraint(
                condition=(Q(kind=Kind.RENDER) & Q(template_version__isnull=False))
                | (~Q(kind=Kind.RENDER) & Q(template_version=None)),
                name="job_render_has_version",
            ),
            models.CheckConstraint(
                condition=Q(requested_by_user=None, requested_by_key__isnull=False)
                | Q(requested_by_user__isnull=False, requested_by_key=None),
                name="job_has_one_requester",
            ),
            models.CheckConstraint(condition=Q(priority__range=(1, 10)), name="job_priority_in_range"),
            models.CheckConstraint(condition=Q(attempt_count__lte=F("max_attempts")), name="job_attempts_bounded"),
            models.CheckConstraint(
                condition=Q(status__in=FINAL, finished_at__isnull=False) | (~Q(status__in=FINAL) & Q(finished_at=None)),
                name="job_final_has_finished_at",
            ),
            models.CheckConstraint(
                condition=(
                    Q(status=Status.PROCESSING, lease_expires_at__isnull=False, started_at__isnull=False)
                    & ~Q(claimed_by="")
                )
                | (~Q(status=Status.PROCESSING) & Q(lease_expires_at=None, claimed_by="")),
                name="job_processing_has_lease",
            ),
            models.CheckConstraint(
                # Expanding a batch makes jobs, not a document.
                condition=~Q(status__in=(Status.DONE, Status.EXPIRED)) | Q(output__isnull=False) | Q(kind=Kind.EXPAND),
                name="job_done_has_output",
            ),
            models.CheckConstraint(condition=~Q(status=Status.FAILED) | ~Q(error_code=""), name="job_failed_has_error"),
            models.UniqueConstraint(
                fields=["team", "cache_key"],
                condition=Q(status__in=(Status.QUEUED, Status.PROCESSING)) & ~Q(cache_key=""),
                name="job_once_under_way",
            ),
            models.CheckConstraint(condition=Q(run_at=None) | Q(status=Status.QUEUED), name="job_only_queued_waits"),
            models.CheckConstraint(
                condition=~Q(status__in=FINAL) | Q(sealed_passwords=""), name="job_final_has_no_passwords"
            ),
            models.CheckConstraint(
                condition=Q(is_spooled=False) | Q(status=Status.PROCESSING), name="job_only_processing_is_spooled"
            ),
        ]
        indexes = [
            models.Index(
                fields=["effective_priority", "turn", "id"],
                condition=Q(status=Status.QUEUED, run_at=None),
                name="job_claimable",
            ),
            # Since when the oldest waits, without a look at all that wait.
            models.Index(
                fields=["due_since"], condition=Q(status=Status.QUEUED, run_at=None), name="job_waits_longest"
            ),
            models.Index(
                fields=["run_at"], condition=Q(status=Status.QUEUED, run_at__isnull=False), name="job_retry_due"
            ),
            models.Index(fields=["lease_expires_at"], condition=Q(status=Status.PROCESSING), name="job_leased"),
            models.Index(fields=["team", "-id"], name="job_by_team"),
            # How fast the queue drains, what failed in the last hour, what is old enough to be archived.
            models.Index(fields=["finished_at", "status"], condition=Q(finished_at__isnull=False), name="job_finished"),
            # Dead letters are few among what finished, and counted every second.
            models.Index(fields=["finished_at"], condition=Q(status=Status.FAILED), name="job_dead_letters"),
            models.Index(
                fields=["team", "effective_priority", "turn"],
                condition=Q(status=Status.QUEUED, run_at=None),
                name="job_turn_of_team",
            ),
            models.Index(
                fields=["climb_at"],
                condition=Q(status=Status.QUEUED, run_at=None, effective_priority__gt=1),
                name="job_climbs",
            ),
            models.Index(fields=["team", "cache_key"], condition=~Q(cache_key=""), name="job_by_cache_key"),
            models.Index(
                fields=["finished_at"],
                condition=Q(status__in=(Status.FAILED, Status.CANCELLED), payload__isnull=False),
                name="job_payload_owed",
            ),
        ]

    def __str__(self) -> str:
        return str(self.external_id)

    @property
    def is_final(self) -> bool:
        """Whether the job has ended."""
        return self.status in FINAL
