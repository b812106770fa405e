"""The editor of a draft: one page, and what its scripts call. Each call asks anew whether the user may."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import asdict
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from pdfservice.lib.json_parser import ENVELOPE_BYTES, refuse_oversized
from pdfservice.lib.object_cache import objects
from pdfservice.teams.team_admin import actor_of
from templates_app import sources
from templates_app.admin.access import VersionPage, viewable_version, writable_version
from templates_app.admin.editor_requests import (
    LookSerializer,
    TypedSerializer,
    body_of,
    editor_endpoint,
    typed_fields,
    with_style_nonce,
)
from templates_app.authoring.drafts import draft_update
from templates_app.authoring.gate import version_findings
from templates_app.authoring.live_previews import LivePreview, live_preview
from templates_app.authoring.parts import MAX_ASSET_BYTES, asset_add, asset_remove
from templates_app.authoring.publishing import version_get_again
from templates_app.models import AssetType, TemplateAsset, TemplateVersion, VersionStatus
from templates_app.renderer.contracts import Engine
from templates_app.serializers import AssetRequestSerializer, AssetSerializer


@require_GET
@with_style_nonce
def editor_page(request: HttpRequest, admin: VersionPage, pk: int) -> HttpResponse:
    """Show the editor; a version that is no draft any more is shown on its own page."""
    version = writable_version(admin, request, pk)
    if version.status != VersionStatus.DRAFT:
        return HttpResponseRedirect(reverse("admin:templates_app_templateversion_change", args=[pk]))
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "version": version,
        "title": f"Edit {version}",
        "is_nav_sidebar_enabled": False,
        "state": _page_state(version, request),
    }
    return TemplateResponse(request, "admin/templates_app/editor.html", context)


def _page_state(version: TemplateVersion, request: HttpRequest) -> dict[str, Any]:
    """Return what the scripts begin with; `nonce` lets the code editor add its style sheet."""

    def url(name: str, *arguments: object) -> str:
        return reverse(f"admin:templates_app_templateversion_{name}", args=[version.pk, *arguments])

    active = version.template.active_version_id
    return {
        "nonce": str(getattr(request, "csp_nonce", "")),
        "urls": {
            "save": url("save"),
            "state": url("state"),
            "preview": url("preview"),
            "findings": url("findings"),
            "assets": url("assets"),
            "asset": url("asset", "NAME"),
            "publish": url("step", "publish"),
            "compare": f"{url('compare')}?with={active}" if active else "",
        },
        "me": request.user.get_username(),
        "engines": [engine.value for engine in Engine],
        **draft_state(version),
    }


def draft_state(version: TemplateVersion) -> dict[str, Any]:
    """Return all that the editor shows of a draft."""
    columns = ("language", "engine", "title", "note", "locale", "timezone", "resource_policy", "trusted_fields")
    return {
        **revision_state(version),
        "html_source": sources.html_of(version),
        "css_source": sources.css_of(version),
        "sample_text": _pretty(version.sample_payload),
        "schema_text": _pretty(version.payload_schema),
        "partials": {partial.name: partial.source for partial in sources.partials_of(version)},
        "assets": _assets(version),
        **{name: getattr(version, name) for name in columns},
    }


def revision_state(version: TemplateVersion) -> dict[str, Any]:
    """Return what tells whether somebody else changed the draft."""
    return {
        "revision": version.revision,
        "status": version.status,
        "edited_by": version.edited_by.removeprefix("user:"),
        "edited_at": version.edited_at.isoformat() if version.edited_at else None,
    }


@require_GET
@editor_endpoint
def state(request: HttpRequest, admin: VersionPage, pk: int) -> HttpResponse:
    """Return the draft's revision, and with `?all=1` the draft as it is stored."""
    version = writable_version(admin, request, pk)
    return JsonResponse(draft_state(version) if "all" in request.GET else revision_state(version))


@require_POST
@editor_endpoint
def save(request: HttpRequest, admin: VersionPage, pk: int) -> HttpResponse:
    """Store what was typed upon a revision; 409 when the draft has moved on."""
    version = writable_version(admin, request, pk)
    body = TypedSerializer(data=body_of(request))
    body.is_valid(raise_exception=True)
    said = body.validated_data
    fields = typed_fields(said["fields_typed"])
    saved = draft_update(version=version, fields=fields, revision=said.get("revision"), actor=actor_of(request))
    return JsonResponse(revision_state(saved))


@require_POST
@editor_endpoint
def preview(request: HttpRequest, admin: VersionPage, pk: int) -> HttpResponse:
    """Return pictures of pages of what is in the editor, what there is to say about it, and how long it took."""
    version = writable_version(admin, request, pk)
    body = LookSerializer(data=body_of(request))
    body.is_valid(raise_exception=True)
    wish = body.validated_data
    engine = Engine(wish["engine"]) if "engine" in wish else None
    shown = live_preview(
        version=version,
        fields=typed_fields(wish["fields_typed"]),
        engine=engine,
        sitting=f"{request.user.pk}:{wish['sitting']}",
        **{name: wish[name] for name in ("first", "count", "dpi", "small")},
    )
    return JsonResponse(preview_answer(shown))


def preview_answer(shown: LivePreview) -> dict[str, Any]:
    """Return a preview as scripts take it: pictures as data URLs."""
    pages = shown.pages
    told = [{**asdict(finding), "pointer": shown.pointers.get(at)} for at, finding in enumerate(shown.findings)]
    if pages is None:
        return {"pages": None, "findings": told}
    return {
        "findings": told,
        "pages": {
            **{name: getattr(pages, name) for name in ("page_count", "first", "sizes", "engine_version")},
            **{name: getattr(pages, name) for name in ("language_ms", "engine_ms", "pictures_ms")},
            "large": [_data_url(picture) for picture in pages.large],
            "small": [_data_url(picture) for picture in pages.small],
        },
    }


@require_POST
@editor_endpoint
def findings(request: HttpRequest, admin: VersionPage, pk: int) -> HttpResponse:
    """Return what the gate would find in the draft as it is stored."""
    version = writable_version(admin, request, pk)
    return JsonResponse({"findings": [asdict(finding) for finding in version_findings(version)]})


@require_POST
@editor_endpoint
def assets(request: HttpRequest, admin: VersionPage, pk: int) -> HttpResponse:
    """Add a file, or with `remove` take one out; return the draft's files and revision."""
    version = writable_version(admin, request, pk)
    if "remove" in request.POST:
        asset_remove(version=version, name=request.POST["remove"], actor=actor_of(request))
    else:
        refuse_oversized(request, MAX_ASSET_BYTES + ENVELOPE_BYTES, says=MAX_ASSET_BYTES)
        body = AssetRequestSerializer(data={**request.POST.dict(), "file": request.FILES.get("file")})
        body.is_valid(raise_exception=True)
        said = body.validated_data
        asset_add(
            version=version,
            name=said["name"],
            asset_type=AssetType(said["type"]),
            data=said["file"].read(),
            actor=actor_of(request),
        )
    version = version_get_again(version)
    return JsonResponse({"assets": _assets(version), **revision_state(version)})


@require_GET
@editor_endpoint
def asset(request: HttpRequest, admin: VersionPage, pk: int, name: str) -> HttpResponse:
    """Return a file of the version to look at; a script in it would run nowhere."""
    version = viewable_version(admin, request, pk)
    row = TemplateAsset.objects.filter(version=version, name=name).first()
    if row is None:
        raise Http404
    data = objects.read(row.storage_key)
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    }
    return HttpResponse(data, content_type=row.content_type, headers=headers)


def _assets(version: TemplateVersion) -> Any:
    return AssetSerializer(TemplateAsset.objects.filter(version=version), many=True).data


def _pretty(value: Any) -> str:
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)


def _data_url(picture: bytes) -> str:
    return f"data:image/png;base64,{b64encode(picture).decode()}"
