"""Versions: list, draft, look, change, throw away."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pdfservice.lib.pagination import NewestFirst
from pdfservice.teams.callers import caller_of
from templates_app.api.parsers import SourcesParser
from templates_app.api.templates import READ, WRITE
from templates_app.authoring.drafts import draft_create, draft_delete, draft_update, version_get
from templates_app.authoring.templates import template_get
from templates_app.models import TemplateVersion
from templates_app.serializers import (
    VersionCreateSerializer,
    VersionRequestSerializer,
    VersionSerializer,
    VersionSummarySerializer,
)


def version_of(request: Request, slug: str, version: int) -> TemplateVersion:
    """Return the version that an address names; raise ServiceError (404) when it is not there or another team's."""
    return version_get(team=caller_of(request).team, slug=slug, version=version)


class VersionListView(GenericAPIView[TemplateVersion]):
    """The versions of a template, newest first."""

    scopes = {"GET": READ, "POST": WRITE}
    parser_classes = [SourcesParser]
    pagination_class = NewestFirst
    serializer_class = VersionSummarySerializer
    queryset = TemplateVersion.objects.none()

    @extend_schema(operation_id="list_versions", summary="List versions", tags=["Templates"])
    def get(self, request: Request, slug: str) -> Response:
        """Return a page of versions, without their sources."""
        template = template_get(team=caller_of(request).team, slug=slug)
        versions = TemplateVersion.objects.filter(template=template).select_related("template")
        page = self.paginate_queryset(versions.defer("html_source", "css_source")) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="create_version",
        summary="Make a draft",
        tags=["Templates"],
        request=VersionCreateSerializer,
        responses={201: VersionSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Make the next version as a draft, from scratch or by `copy_of`."""
        caller = caller_of(request)
        body = VersionCreateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        draft = draft_create(
            team=caller.team,
            slug=slug,
            fields=body.to_fields(),
            copy_of=body.validated_data.get("copy_of"),
            actor=caller.actor,
        )
        return Response(VersionSerializer(draft).data, status=201)


class VersionView(APIView):
    """One version."""

    scopes = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}
    parser_classes = [SourcesParser]

    @extend_schema(
        operation_id="get_version", summary="Look at a version", tags=["Templates"], responses=VersionSerializer
    )
    def get(self, request: Request, slug: str, version: int) -> Response:
        """Return the version with its sources."""
        return Response(VersionSerializer(version_of(request, slug, version)).data)

    @extend_schema(
        operation_id="change_version",
        summary="Change a draft",
        tags=["Templates"],
        request=VersionRequestSerializer,
        responses=VersionSerializer,
    )
    def patch(self, request: Request, slug: str, version: int) -> Response:
        """Change what is named; 409 once the version is published."""
        found = version_of(request, slug, version)
        body = VersionRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        changed = draft_update(version=found, fields=body.to_fields(), actor=caller_of(request).actor)
        return Response(VersionSerializer(changed).data)

    @extend_schema(
        operation_id="delete_version", summary="Throw a draft away", tags=["Templates"], responses={204: None}
    )
    def delete(self, request: Request, slug: str, version: int) -> Response:
        """Delete a draft; 409 once the version is published."""
        draft_delete(version=version_of(request, slug, version), actor=caller_of(request).actor)
        return Response(status=204)
