"""Jobs in the admin, to look at."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django_q.models import Failure, OrmQ, Schedule, Success

from jobs_app.models import Job, JobAttempt

# Its pages run any dotted path that a staff user types, and show signed pickles.
for model in (Schedule, Success, Failure, OrmQ):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


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
    list_filter = ["status", "kind", "team"]
    search_fields = ["external_id"]
    exclude = ["payload"]
    inlines = [AttemptInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        """Refuse."""
        return False
