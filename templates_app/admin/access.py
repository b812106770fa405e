"""Which version a page is about, and whether the user may see or change it."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from pdfservice.teams.scopes import Scope
from pdfservice.teams.team_admin import TeamScopedAdmin
from templates_app.models import TemplateVersion

VersionPage = TeamScopedAdmin[TemplateVersion]


def writable_version(admin: VersionPage, request: HttpRequest, pk: int) -> TemplateVersion:
    """Return the version that the user may change; raise Http404 for another team's, PermissionDenied by role."""
    version = viewable_version(admin, request, pk)
    if not may_write(admin, request, version):
        raise PermissionDenied
    return version


def viewable_version(admin: VersionPage, request: HttpRequest, pk: int) -> TemplateVersion:
    """Return the version that the user may see; raise Http404."""
    version = admin.get_queryset(request).filter(pk=pk).first()
    if version is None:
        raise Http404
    return version


def may_write(admin: VersionPage, request: HttpRequest, version: TemplateVersion) -> bool:
    """Say whether the user may draft and publish in the version's team."""
    return admin.may(request, Scope.TEMPLATES_WRITE, version)
