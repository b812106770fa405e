"""The assets and partials of a draft."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pdfservice.teams.callers import caller_of
from templates_app.api.parsers import AssetParser, SourcesParser
from templates_app.api.templates import READ, WRITE
from templates_app.api.versions import version_of
from templates_app.authoring.parts import asset_add, asset_remove, partial_remove, partial_set
from templates_app.models import AssetType, TemplateAsset, TemplatePartial
from templates_app.serializers import AssetRequestSerializer, AssetSerializer, PartialSerializer


class AssetListView(APIView):
    """The files of a version."""

    scopes = {"GET": READ, "POST": WRITE}
    parser_classes = [AssetParser]

    @extend_schema(
        operation_id="list_assets", summary="List assets", tags=["Templates"], responses=AssetSerializer(many=True)
    )
    def get(self, request: Request, slug: str, version: int) -> Response:
        """Return the assets, without their bytes."""
        assets = TemplateAsset.objects.filter(version=version_of(request, slug, version))
        return Response(AssetSerializer(assets, many=True).data)

    @extend_schema(
        operation_id="add_asset",
        summary="Add an asset to a draft",
        tags=["Templates"],
        request={"multipart/form-data": AssetRequestSerializer},
        responses={201: AssetSerializer},
    )
    def post(self, request: Request, slug: str, version: int) -> Response:
        """Add a font, image or logo, in place of one of that name; what it is, its bytes say. 422 when refused."""
        found = version_of(request, slug, version)
        body = AssetRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wish = body.validated_data
        asset = asset_add(
            version=found,
            name=wish["name"],
            asset_type=AssetType(wish["type"]),
            data=wish["file"].read(),
            actor=caller_of(request).actor,
        )
        return Response(AssetSerializer(asset).data, status=201)


class AssetView(APIView):
    """One file of a draft."""

    scopes = {"DELETE": WRITE}

    @extend_schema(
        operation_id="remove_asset", summary="Take an asset out of a draft", tags=["Templates"], responses={204: None}
    )
    def delete(self, request: Request, slug: str, version: int, name: str) -> Response:
        """Take the file out; 409 once the version is published."""
        asset_remove(version=version_of(request, slug, version), name=name, actor=caller_of(request).actor)
        return Response(status=204)


class PartialListView(APIView):
    """The partials of a version."""

    scopes = {"GET": READ, "POST": WRITE}
    parser_classes = [SourcesParser]

    @extend_schema(
        operation_id="list_partials",
        summary="List partials",
        tags=["Templates"],
        responses=PartialSerializer(many=True),
    )
    def get(self, request: Request, slug: str, version: int) -> Response:
        """Return the partials with their sources."""
        partials = TemplatePartial.objects.filter(version=version_of(request, slug, version))
        return Response(PartialSerializer(partials, many=True).data)

    @extend_schema(
        operation_id="set_partial",
        summary="Give a draft a partial",
        tags=["Templates"],
        request=PartialSerializer,
        responses={201: PartialSerializer},
    )
    def post(self, request: Request, slug: str, version: int) -> Response:
        """Set a partial, in place of one of that name; 409 once the version is published."""
        found = version_of(request, slug, version)
        body = PartialSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        partial = partial_set(version=found, actor=caller_of(request).actor, **body.validated_data)
        return Response(PartialSerializer(partial).data, status=201)


class PartialView(APIView):
    """One partial of a draft."""

    scopes = {"DELETE": WRITE}

    @extend_schema(
        operation_id="remove_partial",
        summary="Take a partial out of a draft",
        tags=["Templates"],
        responses={204: None},
    )
    def delete(self, request: Request, slug: str, version: int, name: str) -> Response:
        """Take the partial out; 409 once the version is published."""
        partial_remove(version=version_of(request, slug, version), name=name, actor=caller_of(request).actor)
        return Response(status=204)
