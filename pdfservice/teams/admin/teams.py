"""Teams: their name and how long they keep outputs are their admins' to say, their limits the service's."""

from __future__ import annotations

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest

from pdfservice.teams import audit
from pdfservice.teams.models import Team
from pdfservice.teams.scopes import Scope
from pdfservice.teams.team_admin import TeamScopedAdmin, actor_of, rights_of


@admin.register(Team)
class TeamAdmin(TeamScopedAdmin[Team]):
    """The teams that one is in."""

    team_path = "pk"
    view_scope = Scope.JOBS_READ
    change_scope = Scope.TEAM_ADMIN
    list_display = ["name", "slug", "retention_days", "created_at"]
    search_fields = ["name", "slug"]
    fields = ["name", "slug", "brand_name", "brand_color", "retention_days", "max_queued", "requests_per_minute"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Grant it to superusers."""
        return rights_of(request).everywhere

    def get_readonly_fields(self, request: HttpRequest, obj: Team | None = None) -> list[str]:
        """Keep the slug, which programs and storage keys know, and the limits from those they limit."""
        of_service = [] if rights_of(request).everywhere else ["max_queued", "requests_per_minute"]
        return [*(["slug"] if obj else []), *of_service]

    def save_model(self, request: HttpRequest, obj: Team, form: ModelForm[Team], change: bool) -> None:
        """Save it and tell the audit log what changed."""
        super().save_model(request, obj, form, change)
        audit.record(
            team_id=obj.pk,
            actor=actor_of(request),
            action="team.changed" if change else "team.created",
            subject_type="team",
            subject_id=None,
            data={name: form.cleaned_data[name] for name in form.changed_data},
        )
