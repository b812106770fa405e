"""Jobs in the admin: to look at, to cancel and to send back."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from jobs_app import backpressure, transitions
from jobs_app.models import Job, JobAttempt
from pdfservice.teams.scopes import Scope
from pdfservice.teams.team_admin import LookOnlyInline, TeamFilter, TeamScopedAdmin, actor_of, rights_of, short_id
from templates_app.redaction import redacted

_LONGEST_PAYLOAD_SHOWN = 64 << 10


class AttemptInline(LookOnlyInline):
    """What was tried."""

    model = JobAttempt
    fields = ["number", "worker", "started_at", "finished_at", "outcome", "error_code", "peak_memory_kb"]


@admin.register(Job)
class JobAdmin(TeamScopedAdmin[Job]):
    """Jobs with their attempts. The payload is personal data: operators see it, without what its schema hides."""

    view_scope = Scope.JOBS_READ
    list_display = [
        short_id("external_id"),
        "team",
        "template_version",
        "status",
        "priority",
        "attempt_count",
        "queued_at",
    ]
    list_filter = ["status", "kind", "error_code", TeamFilter]
    list_select_related = ["team", "template_version__template"]
    search_fields = ["external_id", "template_version__template__slug", "error_message"]
    date_hierarchy = "queued_at"
    ordering = ["-id"]
    inlines = [AttemptInline]
    actions = ["send_back", "cancel"]
    show_full_result_count = False
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("external_id", "team", "kind"),
                    ("template_version", "output", "page_count"),
                    ("requested_by_user", "requested_by_key"),
                    ("status", "priority", "effective_priority"),
                    ("attempt_count", "max_attempts", "claimed_by"),
                ]
            },
        ),
        (
            "Times",
            {
                "fields": [
                    ("queued_at", "started_at", "finished_at"),
                    ("run_at", "lease_expires_at", "cancel_requested_at"),
                    "timings",
                ]
            },
        ),
        ("What went wrong", {"fields": ["error_code", "error_message", "error_detail", "warnings"]}),
        ("What was asked for", {"fields": ["options", "payload_hash", "shown_payload"]}),
    ]
    readonly_fields = ["shown_payload", "external_id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        """Leave payloads in the database until somebody looks at one."""
        return super().get_queryset(request).defer("payload")

    def get_fieldsets(self, request: HttpRequest, obj: Job | None = None) -> list[Any]:
        """Keep the payload from those who only look at jobs."""
        if self.may(request, Scope.JOBS_WRITE, obj):
            return list(self.fieldsets)
        *most, (title, last) = self.fieldsets
        return [*most, (title, {**last, "fields": ["options", "payload_hash"]})]

    @admin.display(description="Payload", empty_value="erased")
    def shown_payload(self, job: Job) -> SafeString | None:
        """Return the payload without what its schema hides; its shape alone where there is no schema."""
        if job.payload is None:
            return None
        if len(job.payload) > _LONGEST_PAYLOAD_SHOWN:
            return format_html("{} characters, too long to be shown", len(job.payload))
        schema = job.template_version.payload_schema if job.template_version else None
        text = json.dumps(redacted(json.loads(job.payload), schema), indent=2, ensure_ascii=False)
        return format_html("<pre>{}</pre>", text)

    @admin.action(description="Send failed and cancelled jobs back into the queue", permissions=["steer"])
    def send_back(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Send back those that can be and that their team's queue has room for, and say how many that was."""
        sent = 0
        for job in self._steerable(request, queryset).filter(payload__isnull=False).select_related("team"):
            if backpressure.refusal(team=job.team, count=1) is not None:
                continue
            # An identical job that is under way will do.
            with suppress(IntegrityError):
                sent += transitions.revive(job, actor=actor_of(request))
        self.message_user(request, f"{sent} of {queryset.count()} jobs went back into the queue.")

    @admin.action(description="Cancel jobs that have not ended", permissions=["steer"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Cancel what waits, flag what is under way, and say how many that was."""
        actor = actor_of(request)
        asked = sum(
            transitions.cancel(job, actor=actor) or transitions.request_cancel(job, actor=actor)
            for job in self._steerable(request, queryset)
        )
        self.message_user(request, f"{asked} of {queryset.count()} jobs were cancelled or will be within seconds.")

    @staticmethod
    def _steerable(request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        """Return those of the selection in whose teams the user is more than a viewer."""
        return rights_of(request).narrow(queryset, "team", Scope.JOBS_WRITE)

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Say whether the user may steer jobs of any team."""
        return self.may(request, Scope.JOBS_WRITE)
