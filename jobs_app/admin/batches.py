"""Batches in the admin: to look at, to cancel and to send their failures back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from jobs_app.batches.services import batch_revive, batch_stop
from jobs_app.models import Batch
from jobs_app.states import Status
from pdfservice.lib.errors import ServiceError
from pdfservice.teams.scopes import Scope
from pdfservice.teams.team_admin import TeamFilter, TeamScopedAdmin, actor_of, rights_of, short_id


@admin.register(Batch)
class BatchAdmin(TeamScopedAdmin[Batch]):
    """Batches with their progress. References may be personal data; the items stay out of sight."""

    view_scope = Scope.JOBS_READ
    list_display = [
        short_id("external_id"),
        "team",
        "template_version",
        "output_mode",
        "status",
        "total",
        "priority",
        "queued_at",
    ]
    list_filter = ["status", "output_mode", TeamFilter]
    list_select_related = ["team", "template_version__template"]
    search_fields = ["external_id", "template_version__template__slug"]
    date_hierarchy = "queued_at"
    ordering = ["-id"]
    readonly_fields = ["progress"]
    exclude = ["sealed_passwords"]
    actions = ["cancel", "retry_failed"]

    @admin.display(description="Items")
    def progress(self, batch: Batch) -> str:
        """Return how many items stand where."""
        counts = batch.items.counts()
        return ", ".join(f"{Status(status).label.lower()} {count}" for status, count in counts.items() if count) or "-"

    @admin.action(description="Cancel batches that have not ended", permissions=["steer"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        """Cancel those that can be, and say how many that was."""
        done = self._each(request, queryset, batch_stop)
        self.message_user(request, f"{done} of {queryset.count()} batches were cancelled or will be within seconds.")

    @admin.action(description="Send the failed documents of batches back", permissions=["steer"])
    def retry_failed(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        """Send back what can be, and say for how many batches that was."""
        done = self._each(request, queryset, batch_revive)
        self.message_user(request, f"The failed documents of {done} of {queryset.count()} batches went back.")

    def _each(self, request: HttpRequest, queryset: QuerySet[Batch], act: Callable[..., None]) -> int:
        done = 0
        for batch in rights_of(request).narrow(queryset, "team", Scope.JOBS_WRITE).select_related("bundle"):
            with suppress(ServiceError):  # its state does not allow it
                act(batch, actor=actor_of(request))
                done += 1
        return done

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Say whether the user may steer batches of any team."""
        return self.may(request, Scope.JOBS_WRITE)
