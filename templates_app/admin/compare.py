"""Two versions of a template beside each other: what differs in the sources, and in the pages."""

from __future__ import annotations

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from rest_framework import serializers

from pdfservice.lib.serializers import StrictSerializer
from templates_app.admin.access import VersionPage, viewable_version, writable_version
from templates_app.admin.editor import draft_state, preview_answer
from templates_app.admin.editor_requests import body_of, editor_endpoint, with_style_nonce
from templates_app.authoring.live_previews import MOST_PAGES, live_preview
from templates_app.models import TemplateVersion

_SETTINGS = ("language", "engine", "title", "locale", "timezone", "resource_policy", "trusted_fields")


class PagesSerializer(StrictSerializer):
    """Which pages of a version to show, made with which version's sample."""

    sample_of = serializers.IntegerField(min_value=1)
    sitting = serializers.RegexField(r"\A[A-Za-z0-9:_-]{1,80}\Z")
    first = serializers.IntegerField(min_value=1, max_value=100_000, default=1)
    count = serializers.IntegerField(min_value=1, max_value=MOST_PAGES, default=MOST_PAGES)


@require_GET
@with_style_nonce
def compare_page(request: HttpRequest, admin: VersionPage, pk: int) -> HttpResponse:
    """Show a version beside the one that `with` names, the older on the left."""
    version = writable_version(admin, request, pk)
    other = _other(admin, request, version, request.GET.get("with", ""))
    old, new = sorted((version, other), key=lambda one: one.version)
    siblings = admin.get_queryset(request).filter(template=version.template_id).order_by("-version")
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "version": version,
        "old": old,
        "new": new,
        "siblings": siblings.exclude(pk=version.pk).defer("html_source", "css_source"),
        "title": f"Compare {version.template} v{old.version} with v{new.version}",
        "is_nav_sidebar_enabled": False,
        "state": {"nonce": str(getattr(request, "csp_nonce", "")), "old": _side(old), "new": _side(new)},
    }
    return TemplateResponse(request, "admin/templates_app/compare.html", context)


@require_POST
@editor_endpoint
def pages(request: HttpRequest, admin: VersionPage, pk: int) -> HttpResponse:
    """Return pictures of pages of a version as it is stored, made with its own sample or a sibling's."""
    version = writable_version(admin, request, pk)
    body = PagesSerializer(data=body_of(request))
    body.is_valid(raise_exception=True)
    wish = body.validated_data
    sample = _other(admin, request, version, str(wish["sample_of"])).sample_payload
    shown = live_preview(
        version=version,
        fields={"sample_payload": sample},
        engine=None,
        first=wish["first"],
        count=wish["count"],
        dpi=72,
        small=False,
        sitting=f"{request.user.pk}:{wish['sitting']}:{version.pk}",
    )
    return JsonResponse(preview_answer(shown))


def _other(admin: VersionPage, request: HttpRequest, version: TemplateVersion, pk: str) -> TemplateVersion:
    """Return another version of the same template; raise Http404."""
    other = viewable_version(admin, request, int(pk)) if pk.isdecimal() and len(pk) < 18 else None
    if other is None or other.template_id != version.template_id:
        raise Http404
    return other


def _side(version: TemplateVersion) -> dict[str, Any]:
    state = draft_state(version)
    texts = {
        "Source": state["html_source"],
        "CSS": state["css_source"],
        "Payload schema": state["schema_text"],
        "Sample payload": state["sample_text"],
        "Settings": json.dumps({name: state[name] for name in _SETTINGS}, indent=2),
        "Assets": "".join(f"{file['name']}  {file['sha256'][:16]}\n" for file in state["assets"]),
        **{f"Partial {name}": source for name, source in state["partials"].items()},
    }
    return {
        "pk": version.pk,
        "version": version.version,
        "language": version.language,
        "texts": texts,
        "pages_url": reverse("admin:templates_app_templateversion_pages", args=[version.pk]),
    }
