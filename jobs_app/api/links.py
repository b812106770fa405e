"""Links to what a job made."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from downloads_app.models import DownloadLink
from downloads_app.serializers import LinkRequestSerializer, LinkSerializer, link_representation
from jobs_app.api.jobs import READ
from jobs_app.services import job_get, job_link, job_output
from pdfservice.teams.callers import caller_of
from pdfservice.teams.scopes import Scope


class JobLinksView(APIView):
    """The links to a job's output."""

    scopes = {"GET": READ, "POST": (Scope.LINKS_WRITE,)}

    @extend_schema(
        operation_id="list_job_links", summary="List links", tags=["Links"], responses=LinkSerializer(many=True)
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        """Return the links that were made, without their tokens."""
        job = job_get(caller=caller_of(request), job_id=job_id)
        links = DownloadLink.objects.filter(file=job.output_id).order_by("id") if job.output_id else []
        return Response([link_representation(link) for link in links])

    @extend_schema(
        operation_id="create_job_link",
        summary="Make a link",
        tags=["Links"],
        request=LinkRequestSerializer,
        responses={201: LinkSerializer},
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Make a link: 409 until the job is done, 410 once it has expired. Its address is shown now and never again."""
        caller = caller_of(request)
        job_output(caller=caller, job_id=job_id)  # what is not there is said before what is wrong with the request
        body = LinkRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wishes: dict[str, Any] = body.validated_data
        link, token = job_link(caller=caller, job_id=job_id, **wishes)
        return Response(link_representation(link, token), status=201)
