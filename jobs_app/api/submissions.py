"""`POST /pdf/generate`"""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs_app.api.jobs import PREFER
from jobs_app.prefer import honour
from jobs_app.serializers import GenerateSerializer, JobSerializer
from jobs_app.submission import job_submit
from pdfservice.teams.callers import caller_of
from pdfservice.teams.scopes import Scope

# When to look again, in seconds: most documents are made within one.
RETRY_AFTER = "1"


class GenerateView(APIView):
    """Accept a document to make."""

    scopes = {"POST": (Scope.JOBS_WRITE,)}

    @extend_schema(
        operation_id="generate",
        summary="Make a document",
        tags=["Jobs"],
        request=GenerateSerializer,
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                description="The same key with the same body gives the same job; with another body 422.",
            ),
            PREFER,
        ],
        responses={202: JobSerializer},
    )
    def post(self, request: Request) -> Response:
        """Queue a document and answer at once; `status_url` tells when it is done. `Prefer: wait=N` waits for that."""
        body = GenerateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        submitted = job_submit(
            caller=caller_of(request),
            request=body.to_request(),
            idempotency_key=request.headers.get("Idempotency-Key"),
            body=request.data,
        )
        shown = JobSerializer(submitted.job, context={"deduplicated": submitted.deduplicated}).data
        response = Response(shown, status=202, headers={"Location": shown["status_url"], "Retry-After": RETRY_AFTER})
        return honour(request, response, submitted.job, deduplicated=submitted.deduplicated)
