"""Templates: list, make, look."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pdfservice.lib.pagination import NewestFirst
from pdfservice.teams.callers import caller_of
from pdfservice.teams.scopes import Scope
from templates_app.authoring.templates import template_create, template_get
from templates_app.models import Template
from templates_app.serializers import TemplateRequestSerializer, TemplateSerializer

READ = (Scope.TEMPLATES_READ,)
WRITE = (Scope.TEMPLATES_WRITE,)


class TemplateListView(GenericAPIView[Template]):
    """The templates of a team, newest first."""

    scopes = {"GET": READ, "POST": WRITE}
    pagination_class = NewestFirst
    serializer_class = TemplateSerializer
    queryset = Template.objects.none()

    @extend_schema(operation_id="list_templates", summary="List templates", tags=["Templates"])
    def get(self, request: Request) -> Response:
        """Return a page of templates."""
        templates = Template.objects.for_team(caller_of(request).team).select_related("active_version")
        page = self.paginate_queryset(templates) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="create_template",
        summary="Make a template",
        tags=["Templates"],
        request=TemplateRequestSerializer,
        responses={201: TemplateSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make a template without versions; 409 when there is one of that slug."""
        caller = caller_of(request)
        body = TemplateRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        template = template_create(team=caller.team, actor=caller.actor, **body.validated_data)
        return Response(TemplateSerializer(template).data, status=201)


class TemplateView(APIView):
    """One template."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="get_template", summary="Look at a template", tags=["Templates"], responses=TemplateSerializer
    )
    def get(self, request: Request, slug: str) -> Response:
        """Return the template and which version is active."""
        return Response(TemplateSerializer(template_get(team=caller_of(request).team, slug=slug)).data)
