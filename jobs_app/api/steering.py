"""Steering jobs: cancel, send back, and what was tried."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs_app.api.jobs import READ
from jobs_app.models import JobAttempt
from jobs_app.serializers import AttemptSerializer, JobSerializer, RevivedSerializer, ReviveSerializer
from jobs_app.services import job_cancel, job_get, job_revive, jobs_revive
from pdfservice.teams.callers import caller_of
from pdfservice.teams.scopes import Scope


class JobCancelView(APIView):
    """Cancel a job."""

    scopes = {"POST": (Scope.JOBS_WRITE,)}

    @extend_schema(operation_id="cancel_job", summary="Cancel", tags=["Jobs"], request=None, responses=JobSerializer)
    def post(self, request: Request, job_id: UUID) -> Response:
        """Cancel a job: one that waits at once, one that is being made within seconds. 409 once it has ended."""
        return Response(JobSerializer(job_cancel(caller=caller_of(request), job_id=job_id)).data)


class JobRetryView(APIView):
    """Send a job back into the queue."""

    scopes = {"POST": (Scope.JOBS_WRITE,)}

    @extend_schema(operation_id="retry_job", summary="Retry", tags=["Jobs"], request=None, responses=JobSerializer)
    def post(self, request: Request, job_id: UUID) -> Response:
        """Send a failed or cancelled job back into the queue with new attempts. 409 from any other state."""
        return Response(JobSerializer(job_revive(caller=caller_of(request), job_id=job_id)).data)


class JobsRetryView(APIView):
    """Send many jobs back into the queue."""

    scopes = {"POST": (Scope.JOBS_WRITE,)}

    @extend_schema(
        operation_id="retry_jobs",
        summary="Retry many",
        tags=["Jobs"],
        request=ReviveSerializer,
        responses=RevivedSerializer,
    )
    def post(self, request: Request) -> Response:
        """Send failed jobs back, those named or all of a kind, at most 1,000 a call; call again until it says 0."""
        body = ReviveSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response({"retried": jobs_revive(caller=caller_of(request), **body.validated_data)})


class JobAttemptsView(GenericAPIView[JobAttempt]):
    """What was tried."""

    scopes = {"GET": READ}
    serializer_class = AttemptSerializer
    pagination_class = None
    queryset = JobAttempt.objects.none()

    @extend_schema(
        operation_id="list_job_attempts",
        summary="See each attempt",
        tags=["Jobs"],
        responses=AttemptSerializer(many=True),
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        """Return the job's attempts with their workers, times, errors, peak memory and the renderer's log."""
        job = job_get(caller=caller_of(request), job_id=job_id)
        return Response(AttemptSerializer(job.attempts.all(), many=True).data)
