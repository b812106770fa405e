"""Teams, people and keys in the admin, for superusers; part of the authoring work opens it to team admins."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from pdfservice.teams.models import ApiKey, AuditEvent, Membership, Team, User

admin.site.register(User, UserAdmin)


class MembershipInline(admin.TabularInline[Membership, Team]):
    """The members of a team."""

    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin[Team]):
    """Teams with their members."""

    list_display = ["name", "slug", "retention_days", "created_at"]
    search_fields = ["name", "slug"]
    inlines = [MembershipInline]


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin[ApiKey]):
    """Keys to look at; `manage.py create_team` makes them, since a secret is shown once."""

    list_display = ["name", "team", "prefix", "expires_at", "last_used_at", "revoked_at"]
    list_filter = ["team"]
    search_fields = ["name", "prefix"]
    readonly_fields = ["team", "name", "prefix", "scopes", "created_at", "last_used_at"]
    exclude = ["secret_hash"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin[AuditEvent]):
    """The audit log to look at."""

    list_display = ["at", "team", "actor", "action", "subject_type", "subject_id"]
    list_filter = ["team", "action"]
    search_fields = ["actor", "subject_id"]
    date_hierarchy = "at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        """Refuse."""
        return False
