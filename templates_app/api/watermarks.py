"""`/pdf/watermarks`: list, make, look at, change, delete."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import QueryDict
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pdfservice.lib.json_parser import StrictJSONParser
from pdfservice.lib.pagination import NewestFirst
from pdfservice.teams.callers import caller_of
from templates_app.api.parsers import AssetParser
from templates_app.api.templates import READ, WRITE
from templates_app.authoring.watermarks import watermark_create, watermark_delete, watermark_get, watermark_update
from templates_app.watermark_models import WatermarkConfig, WatermarkType
from templates_app.watermark_serializers import (
    WatermarkChangeSerializer,
    WatermarkRequestSerializer,
    WatermarkSerializer,
)


def _sent(request: Request) -> Any:
    """Return what was sent: of a form what it names, for DRF takes a box that is not there for one without a tick."""
    data = request.data
    return {name: data[name] for name in data} if isinstance(data, QueryDict) else data


class WatermarkListView(GenericAPIView[WatermarkConfig]):
    """The watermarks of a team, newest first."""

    scopes = {"GET": READ, "POST": WRITE}
    parser_classes = [StrictJSONParser, AssetParser]
    pagination_class = NewestFirst
    serializer_class = WatermarkSerializer
    queryset = WatermarkConfig.objects.none()

    @extend_schema(operation_id="list_watermarks", summary="List watermarks", tags=["Watermarks"])
    def get(self, request: Request) -> Response:
        """Return a page of watermarks."""
        watermarks = WatermarkConfig.objects.for_team(caller_of(request).team).select_related("image")
        page = self.paginate_queryset(watermarks) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="create_watermark",
        summary="Make a watermark",
        tags=["Watermarks"],
        request=WatermarkRequestSerializer,
        responses={201: WatermarkSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make a watermark of a text, or of an image sent as a form with a `file`. 409 when the name is taken."""
        caller = caller_of(request)
        body = WatermarkRequestSerializer(data=_sent(request))
        body.is_valid(raise_exception=True)
        made = watermark_create(
            team=caller.team,
            kind=WatermarkType(body.validated_data["type"]),
            fields=body.to_fields(),
            image=body.to_image(),
            actor=caller.actor,
        )
        return Response(WatermarkSerializer(made).data, status=201)


class WatermarkView(APIView):
    """One watermark."""

    scopes = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}
    parser_classes = [StrictJSONParser, AssetParser]

    @extend_schema(
        operation_id="get_watermark", summary="Look at a watermark", tags=["Watermarks"], responses=WatermarkSerializer
    )
    def get(self, request: Request, watermark_id: UUID) -> Response:
        """Return the watermark, without the bytes of its image."""
        return Response(WatermarkSerializer(_watermark(request, watermark_id)).data)

    @extend_schema(
        operation_id="change_watermark",
        summary="Change a watermark",
        tags=["Watermarks"],
        request=WatermarkChangeSerializer,
        responses=WatermarkSerializer,
    )
    def patch(self, request: Request, watermark_id: UUID) -> Response:
        """Change it for the jobs to come: those that were accepted keep what it was. Its type stays."""
        found = _watermark(request, watermark_id)
        body = WatermarkChangeSerializer(data=_sent(request))
        body.is_valid(raise_exception=True)
        changed = watermark_update(
            watermark=found, fields=body.to_fields(), image=body.to_image(), actor=caller_of(request).actor
        )
        return Response(WatermarkSerializer(changed).data)

    @extend_schema(
        operation_id="delete_watermark", summary="Delete a watermark", tags=["Watermarks"], responses={204: None}
    )
    def delete(self, request: Request, watermark_id: UUID) -> Response:
        """Delete it; jobs that were accepted keep it."""
        watermark_delete(watermark=_watermark(request, watermark_id), actor=caller_of(request).actor)
        return Response(status=204)


def _watermark(request: Request, watermark_id: UUID) -> WatermarkConfig:
    return watermark_get(team=caller_of(request).team, watermark_id=watermark_id)
