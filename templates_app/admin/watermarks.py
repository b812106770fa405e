"""Watermarks in the admin, to look at: they are made and changed over the API."""

from __future__ import annotations

from django.contrib import admin

from pdfservice.teams.scopes import Scope
from pdfservice.teams.team_admin import TeamFilter, TeamScopedAdmin
from templates_app.models import WatermarkConfig


@admin.register(WatermarkConfig)
class WatermarkConfigAdmin(TeamScopedAdmin[WatermarkConfig]):
    """Watermarks of the user's teams."""

    view_scope = Scope.TEMPLATES_READ
    list_display = ["name", "team", "type", "content", "opacity", "repeat_tile", "position", "updated_at"]
    list_filter = [TeamFilter, "type"]
    list_select_related = ["team"]
    search_fields = ["name", "content"]
    readonly_fields = ["external_id"]
