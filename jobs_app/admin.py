"""Jobs in the admin: to look at, to cancel and to send back."""

from __future__ import annotations

from contextlib import suppress

from django.contrib import admin
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest
from django_q.models import Failure, OrmQ, Schedule, Success

from jobs_app import backpressure, batch_admin, transitions
from jobs_app.models import Job, JobAttempt

# Its pages run any dotted path that a staff user types, and show signed pickles.
for model in (Schedule, Success, Failure, OrmQ):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


__all__ = ["AttemptInline", "JobAdmin", "batch_admin"]


def _actor(request: HttpRequest) -> str:
    return f"user:{request.user.get_username()}"


class AttemptInline(admin.TabularInline[JobAttempt, Job]):
    """What was tried."""

    model = JobAttempt
    extra = 0
    can_delete = False
    fields = ["number", "worker", "started_at", "finished_at", "outcome", "error_code", "peak_memory_kb"]

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse."""
        return False


@admin.register(Job)
class JobAdmin(admin.ModelAdmin[Job]):
    """Jobs with their attempts. The payload is personal data and stays out of sight."""

    list_display = ["external_id", "team", "template_version", "status", "priority", "attempt_count", "queued_at"]
    list_filter = ["status", "error_code", "kind", "team"]
    search_fields = ["external_id"]
    exclude = ["payload"]
    inlines = [AttemptInline]
    actions = ["send_back", "cancel"]

    @admin.action(description="Send failed and cancelled jobs back into the queue", permissions=["steer"])
    def send_back(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Send back those that can be and that their team's queue has room for, and say how many that was."""
        sent = 0
        for job in queryset.filter(payload__isnull=False).select_related("team"):
            if backpressure.refusal(team=job.team, count=1) is not None:
                continue
            # An identical job that is under way will do.
            with suppress(IntegrityError):
                sent += transitions.revive(job, actor=_actor(request))
        self.message_user(request, f"{sent} of {queryset.count()} jobs went back into the queue.")

    @admin.action(description="Cancel jobs that have not ended", permissions=["steer"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Cancel what waits, flag what is under way, and say how many that was."""
        actor = _actor(request)
        asked = sum(
            transitions.cancel(job, actor=actor) or transitions.request_cancel(job, actor=actor) for job in queryset
        )
        self.message_user(request, f"{asked} of {queryset.count()} jobs were cancelled or will be within seconds.")

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Say whether the user may steer jobs of any team."""
        return bool(request.user.is_active and getattr(request.user, "is_superuser", False))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        """Refuse."""
        return False
