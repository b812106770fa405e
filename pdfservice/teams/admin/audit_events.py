"""The audit log, to look at."""

from __future__ import annotations

from django.contrib import admin

from pdfservice.teams.models import AuditEvent
from pdfservice.teams.scopes import Scope
from pdfservice.teams.team_admin import TeamFilter, TeamScopedAdmin, short_id


@admin.register(AuditEvent)
class AuditEventAdmin(TeamScopedAdmin[AuditEvent]):
    """What happened in the teams that one is an admin of; nobody changes it."""

    view_scope = Scope.TEAM_ADMIN
    list_display = ["at", "team", "actor", "action", "subject_type", short_id("subject_id", "subject")]
    list_filter = [TeamFilter, "subject_type", "action"]
    list_select_related = ["team"]
    search_fields = ["actor", "action", "subject_id"]
    date_hierarchy = "at"
    ordering = ["-id"]
    show_full_result_count = False
