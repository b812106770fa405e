"""Looking at jobs and fetching what they made."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from downloads_app.models import StoredFile
from downloads_app.streaming import file_response
from jobs_app.models import Job
from jobs_app.prefer import LONGEST_SECONDS, honour
from jobs_app.serializers import JobEventSerializer, JobFilterSerializer, JobSerializer
from jobs_app.services import job_get, job_output
from pdfservice.lib.pagination import NewestFirst
from pdfservice.teams.callers import caller_of
from pdfservice.teams.models import AuditEvent
from pdfservice.teams.scopes import Scope

READ = (Scope.JOBS_READ, Scope.JOBS_READ_OWN)
PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description=f"`wait=N`: answer when the job has ended, or after N seconds, at most {LONGEST_SECONDS}. "
    "`Preference-Applied` says that it was done; without it the answer came at once.",
)


class JobListView(GenericAPIView[Job]):
    """The jobs of a team, newest first."""

    scopes = {"GET": READ}
    pagination_class = NewestFirst
    serializer_class = JobSerializer
    queryset = Job.objects.none()

    @extend_schema(operation_id="list_jobs", summary="List jobs", tags=["Jobs"], parameters=[JobFilterSerializer])
    def get(self, request: Request) -> Response:
        """Return a page of jobs."""
        asked = {name: value for name, value in request.query_params.items() if name not in {"cursor", "page_size"}}
        filters = JobFilterSerializer(data=asked)
        filters.is_valid(raise_exception=True)
        jobs = Job.objects.visible_to(caller_of(request)).select_related("template_version__template", "output")
        jobs = jobs.narrowed(**filters.validated_data)
        page = self.paginate_queryset(jobs) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class JobView(APIView):
    """One job."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="get_job", summary="Look at a job", tags=["Jobs"], parameters=[PREFER], responses=JobSerializer
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        """Return where the job stands; with `Prefer: wait=N` once it has ended, or after N seconds."""
        job = job_get(caller=caller_of(request), job_id=job_id)
        return honour(request, Response(JobSerializer(job).data), job)


class JobFileView(APIView):
    """What a job made."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="get_job_file",
        summary="Fetch the PDF",
        tags=["Jobs"],
        responses={
            (200, "application/pdf"): OpenApiTypes.BINARY,
            (206, "application/pdf"): OpenApiTypes.BINARY,
            304: OpenApiResponse(description="The ETag in If-None-Match still holds."),
        },
    )
    def get(self, request: Request, job_id: UUID) -> HttpResponseBase:
        """Return the PDF: 409 until the job is done, 410 once it has expired."""
        output: StoredFile = job_output(caller=caller_of(request), job_id=job_id)
        return file_response(request._request, output)


class JobEventsView(GenericAPIView[AuditEvent]):
    """What happened to a job."""

    scopes = {"GET": READ}
    serializer_class = JobEventSerializer
    pagination_class = None
    queryset = AuditEvent.objects.none()

    @extend_schema(
        operation_id="list_job_events",
        summary="Follow what happened to a job",
        tags=["Jobs"],
        responses=JobEventSerializer(many=True),
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        """Return the job's timeline, oldest first."""
        caller = caller_of(request)
        job = job_get(caller=caller, job_id=job_id)
        events = AuditEvent.objects.for_team(caller.team).about(job.external_id)
        return Response(JobEventSerializer(events, many=True).data)
