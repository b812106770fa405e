"""Versions: the list, a version to look at, and the pages that hang on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pdfservice.teams.scopes import Scope
from pdfservice.teams.team_admin import LookOnlyInline, TeamFilter, TeamScopedAdmin
from templates_app import sources
from templates_app.admin import compare, editor
from templates_app.admin.access import may_write
from templates_app.admin.history import buttons_for
from templates_app.admin.step_page import step_page
from templates_app.models import TemplateAsset, TemplatePartial, TemplateVersion


class AssetInline(LookOnlyInline):
    """The files of a version."""

    model = TemplateAsset
    fields = ["name", "asset_type", "content_type", "size_bytes", "sha256"]


class PartialInline(LookOnlyInline):
    """The partials of a version."""

    model = TemplatePartial
    fields = ["name", "text"]
    readonly_fields = ["text"]

    @admin.display(description="Source")
    def text(self, partial: TemplatePartial) -> SafeString:
        """Return the source as it is written."""
        return format_html('<pre class="source">{}</pre>', partial.source)


@admin.register(TemplateVersion)
class TemplateVersionAdmin(TeamScopedAdmin[TemplateVersion]):
    """Versions with their source. What changes one is a button with a question, or the editor."""

    team_path = "template__team"
    view_scope = Scope.TEMPLATES_READ
    list_display = ["__str__", "team", "status", "is_active", "language", "engine", "published_at", "note"]
    list_filter = [TeamFilter, "status", "language", "engine"]
    list_select_related = ["template__team"]
    search_fields = ["template__name", "template__slug", "note"]
    date_hierarchy = "created_at"
    inlines = [PartialInline, AssetInline]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("template", "version", "status"),
                    ("language", "engine", "resource_policy"),
                    ("locale", "timezone", "title"),
                    "note",
                    "trusted_fields",
                    ("created_at", "published_at", "content_hash"),
                ]
            },
        ),
        ("Sources", {"fields": ["html", "css"]}),
        ("Payload", {"fields": ["schema", "sample"], "classes": ["collapse"]}),
    ]
    readonly_fields = ["html", "css", "schema", "sample", "created_at", "published_at", "content_hash"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TemplateVersion]:
        """Return versions with their templates, for lists without the sources."""
        rows = super().get_queryset(request).select_related("template__team", "template__active_version")
        return rows.defer("template__active_version__html_source", "template__active_version__css_source")

    @admin.display(ordering="template__team")
    def team(self, version: TemplateVersion) -> str:
        """Return whose it is."""
        return str(version.template.team)

    @admin.display(boolean=True, description="Active")
    def is_active(self, version: TemplateVersion) -> bool:
        """Say whether jobs get it that name none."""
        return version.template.active_version_id == version.pk

    @admin.display(description="Source")
    def html(self, version: TemplateVersion) -> SafeString:
        """Return the source, wherever it lies."""
        return _source(sources.html_of(version))

    @admin.display(description="CSS")
    def css(self, version: TemplateVersion) -> SafeString:
        """Return the style sheet, wherever it lies."""
        return _source(sources.css_of(version))

    @admin.display(description="Schema")
    def schema(self, version: TemplateVersion) -> SafeString:
        """Return the schema, readable."""
        return _source(_pretty(version.payload_schema))

    @admin.display(description="Sample payload")
    def sample(self, version: TemplateVersion) -> SafeString:
        """Return the sample, readable."""
        return _source(_pretty(version.sample_payload))

    def get_urls(self) -> list[Any]:
        """Add the pages of a version."""
        pages: dict[str, tuple[str, Callable[..., HttpResponse]]] = {
            "step": ("step/<slug:name>/", step_page),
            "editor": ("editor/", editor.editor_page),
            "state": ("editor/state/", editor.state),
            "save": ("editor/save/", editor.save),
            "preview": ("editor/preview/", editor.preview),
            "findings": ("editor/findings/", editor.findings),
            "assets": ("editor/assets/", editor.assets),
            "asset": ("editor/assets/<str:name>/", editor.asset),
            "compare": ("compare/", compare.compare_page),
            "pages": ("pages/", compare.pages),
        }
        mine: list[URLPattern] = [
            path(
                f"<int:pk>/{route}",
                self.admin_site.admin_view(page),
                {"admin": self},
                name=f"templates_app_templateversion_{name}",
            )
            for name, (route, page) in pages.items()
        ]
        return [*mine, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the version with what may be done with it."""
        version = self.get_object(request, object_id)
        more: dict[str, Any] = {"title": "Version"}
        if version is not None:
            buttons = buttons_for(version, may_write=may_write(self, request, version))
            more = {"buttons": list(buttons), "findings": version.findings, "title": str(version), "subtitle": ""}
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})


def _pretty(value: Any) -> str:
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)


def _source(text: str) -> SafeString:
    return format_html('<pre class="source">{}</pre>' if text else "{}", text or "-")
