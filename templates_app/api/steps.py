"""A version's way: publish, activate, retire, and the preview before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pdfservice.lib.openapi import PROBLEM
from pdfservice.teams.callers import caller_of
from templates_app.api.templates import WRITE
from templates_app.api.versions import version_of
from templates_app.authoring.previews import version_preview
from templates_app.authoring.publishing import version_activate, version_publish, version_retire
from templates_app.finishing_options import finish_of, refuse_impossible
from templates_app.models import TemplateVersion
from templates_app.page_options import page_options
from templates_app.renderer.contracts import Engine
from templates_app.serializers import (
    NothingSerializer,
    PreviewSerializer,
    PublishSerializer,
    VersionSerializer,
)
from templates_app.watermark_options import with_watermark

_FINDINGS = {"type": "array", "items": {"$ref": "#/components/schemas/Finding"}}
_REFUSAL = {**PROBLEM, "properties": {**PROBLEM["properties"], "findings": _FINDINGS}}


class PublishView(APIView):
    """The gate."""

    scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="publish_version",
        summary="Publish a draft",
        tags=["Templates"],
        request=PublishSerializer,
        responses={200: VersionSerializer, (422, "application/problem+json"): _REFUSAL},
    )
    def post(self, request: Request, slug: str, version: int) -> Response:
        """Run every check and publish: 200 with the warnings in `findings`, or 422 with all findings."""
        found = version_of(request, slug, version)
        body = PublishSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        published = version_publish(version=found, actor=caller_of(request).actor, **body.validated_data)
        return Response(VersionSerializer(published).data)


class _StepView(APIView):
    """A step on a version's way that takes no wishes."""

    scopes = {"POST": WRITE}
    take: Callable[..., TemplateVersion]

    def post(self, request: Request, slug: str, version: int) -> Response:
        """Take the step and show the version as it is then."""
        found = version_of(request, slug, version)
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        return Response(VersionSerializer(self.take(version=found, actor=caller_of(request).actor)).data)


def _step_schema(operation_id: str, summary: str, description: str) -> Callable[[type[_StepView]], type[_StepView]]:
    said: dict[str, Any] = {"operation_id": operation_id, "summary": summary, "description": description}
    post = extend_schema(**said, tags=["Templates"], request=NothingSerializer, responses=VersionSerializer)
    return extend_schema_view(post=post)


@_step_schema("activate_version", "Make a version the active one", "A published version; an older one is a rollback.")
class ActivateView(_StepView):
    """Which version jobs get that name none."""

    take = staticmethod(version_activate)


@_step_schema("retire_version", "Retire a version", "It takes no new jobs; those that it has keep it.")
class RetireView(_StepView):
    """Which versions take no new jobs."""

    take = staticmethod(version_retire)


class PreviewView(APIView):
    """A look at what a version makes."""

    scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="preview_version",
        summary="Preview a version",
        tags=["Templates"],
        request=PreviewSerializer,
        responses={(200, "application/pdf"): OpenApiTypes.BINARY, (200, "image/png"): OpenApiTypes.BINARY},
    )
    def post(self, request: Request, slug: str, version: int) -> HttpResponse:
        """Make a document within ten seconds and keep it nowhere: the PDF, or one page as a PNG. 429 when busy."""
        found = version_of(request, slug, version)
        body = PreviewSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wish = body.validated_data
        options = with_watermark(wish.get("options", {}), team=caller_of(request).team)
        refuse_impossible(options, engine=wish.get("engine", found.engine))
        preview = version_preview(
            version=found,
            payload=wish.get("payload"),
            page_options=page_options(options),
            finish=finish_of(options),
            engine=Engine(wish["engine"]) if "engine" in wish else None,
            png_page=wish["page"] if wish["format"] == "png" else None,
        )
        headers = {"Page-Count": str(preview.page_count), "Cache-Control": "no-store"}
        return HttpResponse(preview.data, content_type=preview.content_type, headers=headers)
