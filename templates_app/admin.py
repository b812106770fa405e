"""Templates in the admin, to look at: the authoring pages come with the editor."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from templates_app.models import Template, TemplateVersion


class _LookOnly:
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Template)
class TemplateAdmin(_LookOnly, admin.ModelAdmin[Template]):
    """Templates with the version that is active."""

    list_display = ["name", "slug", "team", "active_version", "retention_days"]
    list_filter = ["team"]
    search_fields = ["name", "slug"]


@admin.register(TemplateVersion)
class TemplateVersionAdmin(_LookOnly, admin.ModelAdmin[TemplateVersion]):
    """Versions with their source."""

    list_display = ["template", "version", "status", "language", "engine", "published_at", "note"]
    list_filter = ["status", "language", "engine", "template__team"]
    search_fields = ["template__name", "template__slug"]
