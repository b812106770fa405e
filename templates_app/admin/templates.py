"""Templates: the list, and a template with the history of its versions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.timezone import localtime

from pdfservice.teams.scopes import Scope
from pdfservice.teams.team_admin import TeamFilter, TeamScopedAdmin, actor_of
from templates_app.admin.history import version_history
from templates_app.authoring.drafts import draft_create
from templates_app.authoring.starters import starter
from templates_app.authoring.templates import template_create, template_update
from templates_app.models import Template, TemplateVersion
from templates_app.renderer.contracts import Engine, Language

_NAMES = {
    Language.HANDLEBARS: "Handlebars",
    Language.JINJA2: "Jinja2",
    Language.MJML: "MJML",
    Language.RAW_HTML: "Raw HTML",
    Language.MARKDOWN: "Markdown",
}


class NewTemplateForm(forms.ModelForm[Template]):
    """A template with its first draft."""

    language = forms.ChoiceField(choices=_NAMES.items(), help_text="How the payload meets the source.")
    engine = forms.ChoiceField(
        choices=[(Engine.WEASYPRINT, "WeasyPrint"), (Engine.PLUTOBOOK, "PlutoBook (fast)")],
        help_text="How HTML becomes PDF. The editor shows both side by side; each version may choose anew.",
    )

    class Meta:
        model = Template
        fields = ["team", "name", "slug", "retention_days"]


@admin.register(Template)
class TemplateAdmin(TeamScopedAdmin[Template]):
    """Templates with the version that is active."""

    view_scope = Scope.TEMPLATES_READ
    add_scope = change_scope = Scope.TEMPLATES_WRITE
    list_display = ["name", "slug", "team", "active", "language", "engine", "last_published"]
    list_filter = [TeamFilter, "active_version__language", "active_version__engine"]
    list_select_related = ["team", "active_version"]
    search_fields = ["name", "slug"]
    ordering = ["team__slug", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    fields = ["team", "name", "slug", "retention_days"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Template]:
        """Add when a version was last published."""
        rows = super().get_queryset(request).defer("active_version__html_source", "active_version__css_source")
        published = TemplateVersion.objects.filter(template=OuterRef("pk"), published_at__isnull=False)
        latest = published.order_by("-published_at").values("published_at")[:1]
        return rows.annotate(last_published_at=Subquery(latest))

    @admin.display(description="Active", ordering="active_version__version", empty_value="none yet")
    def active(self, template: Template) -> str | None:
        """Return which version jobs get that name none."""
        return f"v{template.active_version.version}" if template.active_version else None

    @admin.display(ordering="active_version__language")
    def language(self, template: Template) -> str | None:
        """Return the active version's language."""
        return _NAMES[Language(template.active_version.language)] if template.active_version else None

    @admin.display(ordering="active_version__engine")
    def engine(self, template: Template) -> str | None:
        """Return the active version's engine."""
        return template.active_version.engine if template.active_version else None

    @admin.display(description="Published", ordering="last_published_at")
    def last_published(self, template: Any) -> Any:
        """Return on which day a version was last published."""
        return template.last_published_at and localtime(template.last_published_at).date()

    def get_form(
        self, request: HttpRequest, obj: Template | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[Template]]:
        """Ask for the first draft's language and engine too."""
        if obj is None:
            kwargs["form"] = NewTemplateForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Template | None = None) -> list[Any]:
        """Ask for the first draft's language and engine too."""
        return [*self.fields, *(["language", "engine"] if obj is None else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Template | None = None) -> list[str]:
        """Keep what programs call the template by."""
        return ["team", "slug"] if obj else []

    def get_prepopulated_fields(self, request: HttpRequest, obj: Template | None = None) -> dict[str, Any]:
        """Offer a slug for a new one."""
        return {} if obj else self.prepopulated_fields

    def save_model(self, request: HttpRequest, obj: Template, form: Any, change: bool) -> None:
        """Have the services do it, so that the audit log knows."""
        said = form.cleaned_data
        if change:
            template_update(
                template=obj, name=said["name"], retention_days=said["retention_days"], actor=actor_of(request)
            )
            return
        made = template_create(
            team=said["team"],
            slug=said["slug"],
            name=said["name"],
            retention_days=said["retention_days"],
            actor=actor_of(request),
        )
        obj.pk = made.pk
        texts = starter(Language(said["language"]), name=said["name"])
        draft_create(
            team=made.team,
            slug=made.slug,
            fields={
                "language": said["language"],
                "engine": said["engine"],
                "html_source": texts.html_source,
                "css_source": texts.css_source,
                "sample_payload": texts.sample_payload,
            },
            actor=actor_of(request),
        )

    def response_add(self, request: HttpRequest, obj: Template, post_url_continue: str | None = None) -> HttpResponse:
        """Go on to the template with its draft."""
        super().response_add(request, obj, post_url_continue)
        return HttpResponseRedirect(reverse("admin:templates_app_template_change", args=[obj.pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the template with the history of its versions."""
        template = self.get_object(request, object_id)
        history = version_history(template, may_write=self.has_change_permission(request, template)) if template else []
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "versions": history})
