"""The page that asks before a step of a version is taken, and shows why it was not."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from pdfservice.lib.errors import ServiceError
from pdfservice.teams.team_admin import actor_of
from templates_app.admin.access import VersionPage, writable_version
from templates_app.admin.steps import STEPS, Step, Wish
from templates_app.models import TemplateVersion, VersionStatus


def step_page(request: HttpRequest, admin: VersionPage, pk: int, name: str) -> HttpResponse:
    """Ask on GET, act on POST; a refusal is shown with its findings."""
    version = writable_version(admin, request, pk)
    step = STEPS.get(name)
    if step is None:
        raise Http404
    refusal: ServiceError | None = None
    if request.method == "POST":
        ticked = request.POST
        wish = Wish(actor_of(request), activate="activate" in ticked, allow_breaking="allow_breaking" in ticked)
        try:
            after = step.perform(version, wish)
        except ServiceError as error:
            refusal = error
        else:
            return _onwards(request, step, version, after)
    return TemplateResponse(
        request,
        "admin/templates_app/step.html",
        {**admin.admin_site.each_context(request), **_context(admin, step, version, refusal)},
        status=refusal.status if refusal else 200,
    )


def _context(admin: VersionPage, step: Step, version: TemplateVersion, refusal: ServiceError | None) -> dict[str, Any]:
    findings = list(refusal.members.get("findings", [])) if refusal else []
    return {
        "opts": admin.opts,
        "step": step,
        "version": version,
        "title": f"{step.label}: {version}",
        "refusal": refusal,
        "findings": findings,
        "editor_url": _editor_url(version),
        "may_insist": any(finding["code"] == "schema_breaking" for finding in findings),
        "back_url": reverse("admin:templates_app_template_change", args=[version.template_id]),
    }


def _editor_url(version: TemplateVersion) -> str:
    if version.status != VersionStatus.DRAFT:
        return ""
    return reverse("admin:templates_app_templateversion_editor", args=[version.pk])


def _onwards(
    request: HttpRequest, step: Step, version: TemplateVersion, after: TemplateVersion | None
) -> HttpResponseRedirect:
    messages.success(request, step.done.format(version=after or version))
    if after is not None and step.name == "publish" and after.findings:
        warnings = f"{len(after.findings)} warning{'s' * (len(after.findings) != 1)}"
        messages.warning(request, f"Publishing recorded {warnings}; the version's page lists them.")
    if after is not None and step.name == "clone":
        return HttpResponseRedirect(_editor_url(after))
    return HttpResponseRedirect(reverse("admin:templates_app_template_change", args=[version.template_id]))
