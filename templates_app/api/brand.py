"""How the caller's team looks to those who get its documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import DataAndFiles, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pdfservice.lib.colours import parse_colour
from pdfservice.lib.json_parser import ENVELOPE_BYTES, refuse_oversized
from pdfservice.lib.serializers import StrictSerializer
from pdfservice.teams.brand import brand_change, logo_remove, logo_set
from pdfservice.teams.callers import caller_of
from pdfservice.teams.models import Team
from pdfservice.teams.scopes import Scope
from templates_app.pictures import MAX_LOGO_BYTES, logo_content_type

_ADMIN = (Scope.TEAM_ADMIN,)


class ColourField(serializers.CharField):
    """`#rrggbb`, or empty for the service's own."""

    def to_internal_value(self, data: Any) -> str:
        """Return it in small letters; raise ValidationError."""
        text = super().to_internal_value(data).lower()
        try:
            return str(parse_colour(text)) if text else ""
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class BrandSerializer(StrictSerializer):
    """The brand of a team."""

    name = serializers.CharField(
        source="brand_name", max_length=100, allow_blank=True, required=False, help_text="Empty: the team's name."
    )
    color = ColourField(
        source="brand_color", allow_blank=True, required=False, help_text="#rrggbb; empty: the service's own."
    )
    logo_sha256 = serializers.CharField(read_only=True, help_text="Empty: no logo.")
    logo_content_type = serializers.CharField(read_only=True)


class LogoSerializer(StrictSerializer):
    """A file for a logo."""

    file = serializers.FileField(help_text="PNG, JPEG, WebP or SVG, up to 256 KiB and 2,000 pixels a side.")


class LogoParser(MultiPartParser):
    """Multipart with one small file; more is refused before it is read."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> DataAndFiles[Any, Any]:
        """Return fields and files."""
        context = dict(parser_context or {})
        refuse_oversized(context["request"], MAX_LOGO_BYTES + ENVELOPE_BYTES, says=MAX_LOGO_BYTES)
        return super().parse(stream, media_type, context)


class BrandView(APIView):
    """Name and colour."""

    scopes = {"GET": _ADMIN, "PATCH": _ADMIN}

    @extend_schema(operation_id="get_brand", summary="Show the brand", tags=["Team"], responses=BrandSerializer)
    def get(self, request: Request) -> Response:
        """Return name, colour and which logo there is."""
        return _brand(caller_of(request).team)

    @extend_schema(
        operation_id="change_brand",
        summary="Change the brand",
        tags=["Team"],
        request=BrandSerializer,
        responses=BrandSerializer,
    )
    def patch(self, request: Request) -> Response:
        """Change name or colour; what is left out stays."""
        caller = caller_of(request)
        body = BrandSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        return _brand(brand_change(team=caller.team, actor=caller.actor, **body.validated_data))


class LogoView(APIView):
    """The logo."""

    scopes = {"PUT": _ADMIN, "DELETE": _ADMIN}
    parser_classes = [LogoParser]

    @extend_schema(
        operation_id="set_logo",
        summary="Set the logo",
        tags=["Team"],
        request={"multipart/form-data": LogoSerializer},
        responses=BrandSerializer,
    )
    def put(self, request: Request) -> Response:
        """Take a logo in place of the present one; what it is, its bytes say. 422 when refused."""
        caller = caller_of(request)
        body = LogoSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data["file"].read()
        content_type = logo_content_type(data, tenant=str(caller.team.pk))
        return _brand(logo_set(team=caller.team, data=data, content_type=content_type, actor=caller.actor))

    @extend_schema(operation_id="remove_logo", summary="Remove the logo", tags=["Team"], responses={204: None})
    def delete(self, request: Request) -> Response:
        """Do without a logo from now on."""
        caller = caller_of(request)
        logo_remove(team=caller.team, actor=caller.actor)
        return Response(status=204)


def _brand(team: Team) -> Response:
    return Response(BrandSerializer(team).data)
