"""Batches: asking for many documents at once, and looking at how far they are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from downloads_app.streaming import file_response
from jobs_app.api.jobs import READ
from jobs_app.api.submissions import RETRY_AFTER
from jobs_app.batch_requests import BatchFormSerializer, BatchRequestSerializer
from jobs_app.batch_serializers import (
    BatchFilterSerializer,
    BatchItemFilterSerializer,
    BatchItemSerializer,
    BatchSerializer,
    BatchSummarySerializer,
)
from jobs_app.batches.services import batch_cancel, batch_get, batch_output, batch_retry_failed
from jobs_app.batches.submission import batch_submit
from jobs_app.models import Batch, BatchItem
from pdfservice.lib.pagination import NewestFirst
from pdfservice.lib.uploads import BatchFormParser, BatchJSONParser
from pdfservice.teams.callers import caller_of
from pdfservice.teams.scopes import Scope


class InOrder(CursorPagination):
    """Items as they were sent, 100 a page, `?page_size=` up to 1,000."""

    ordering = "position"
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000


class BatchListView(GenericAPIView[Batch]):
    """The batches of a team, newest first; a new one by POST."""

    scopes = {"GET": READ, "POST": (Scope.JOBS_WRITE,)}
    pagination_class = NewestFirst
    parser_classes = [BatchJSONParser, BatchFormParser]
    serializer_class = BatchSummarySerializer
    queryset = Batch.objects.none()

    @extend_schema(
        operation_id="list_batches", summary="List batches", tags=["Batches"], parameters=[BatchFilterSerializer]
    )
    def get(self, request: Request) -> Response:
        """Return a page of batches."""
        batches = Batch.objects.visible_to(caller_of(request)).filter(**_filters(request, BatchFilterSerializer))
        batches = batches.select_related("template_version__template", "bundle__output")
        page = self.paginate_queryset(batches) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="create_batch",
        summary="Make many documents",
        tags=["Batches"],
        request={"application/json": BatchRequestSerializer, "multipart/form-data": BatchFormSerializer},
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                description="The same key with the same body gives the same batch; with another body 422.",
            )
        ],
        responses={202: BatchSerializer},
    )
    def post(self, request: Request) -> Response:
        """Store the items and answer at once; a worker makes jobs of them. What does not fit becomes a failed item."""
        is_form = str(request.content_type).startswith("multipart/form-data")
        form: type[BatchFormSerializer | BatchRequestSerializer]
        form = BatchFormSerializer if is_form else BatchRequestSerializer
        body = form(data=request.data)
        body.is_valid(raise_exception=True)
        key = request.headers.get("Idempotency-Key")
        caller = caller_of(request)
        batch = batch_submit(caller=caller, request=body.to_request(), idempotency_key=key)
        shown = BatchSerializer(batch_get(caller=caller, batch_id=batch.external_id)).data
        return Response(shown, status=202, headers={"Location": shown["status_url"], "Retry-After": RETRY_AFTER})


class BatchView(APIView):
    """One batch."""

    scopes = {"GET": READ}

    @extend_schema(operation_id="get_batch", summary="Look at a batch", tags=["Batches"], responses=BatchSerializer)
    def get(self, request: Request, batch_id: UUID) -> Response:
        """Return how far the batch is, and the first items that failed."""
        return Response(BatchSerializer(batch_get(caller=caller_of(request), batch_id=batch_id)).data)


class BatchItemsView(GenericAPIView[BatchItem]):
    """The items of a batch."""

    scopes = {"GET": READ}
    pagination_class = InOrder
    serializer_class = BatchItemSerializer
    queryset = BatchItem.objects.none()

    @extend_schema(
        operation_id="list_batch_items",
        summary="List the items of a batch",
        tags=["Batches"],
        parameters=[BatchItemFilterSerializer],
    )
    def get(self, request: Request, batch_id: UUID) -> Response:
        """Return a page of items, each with its status, its job or why there is none."""
        batch = batch_get(caller=caller_of(request), batch_id=batch_id)
        asked = _filters(request, BatchItemFilterSerializer)
        items = batch.items.with_status(asked.get("status")).select_related("job")
        page = self.paginate_queryset(items) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class BatchFileView(APIView):
    """The one file of a batch."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="get_batch_file",
        summary="Fetch the documents in one file",
        tags=["Batches"],
        responses={
            (200, "application/zip"): OpenApiTypes.BINARY,
            (200, "application/pdf"): OpenApiTypes.BINARY,
            (206, "application/zip"): OpenApiTypes.BINARY,
            304: OpenApiResponse(description="The ETag in If-None-Match still holds."),
        },
    )
    def get(self, request: Request, batch_id: UUID) -> HttpResponseBase:
        """Return the zip or the merged PDF: 409 until the batch is done, 410 once it has expired."""
        return file_response(request._request, batch_output(caller=caller_of(request), batch_id=batch_id))


class BatchCancelView(APIView):
    """Cancel a batch."""

    scopes = {"POST": (Scope.JOBS_WRITE,)}

    @extend_schema(
        operation_id="cancel_batch", summary="Cancel a batch", tags=["Batches"], request=None, responses=BatchSerializer
    )
    def post(self, request: Request, batch_id: UUID) -> Response:
        """Cancel a batch; jobs that others wait for as well go on. 409 once it has ended."""
        return Response(BatchSerializer(batch_cancel(caller=caller_of(request), batch_id=batch_id)).data)


class BatchRetryView(APIView):
    """Send the failed documents of a batch back."""

    scopes = {"POST": (Scope.JOBS_WRITE,)}

    @extend_schema(
        operation_id="retry_batch",
        summary="Retry the failed documents of a batch",
        tags=["Batches"],
        request=None,
        responses=BatchSerializer,
    )
    def post(self, request: Request, batch_id: UUID) -> Response:
        """Send failed jobs back with new attempts; the one file is made again after them. 409 when there are none."""
        return Response(BatchSerializer(batch_retry_failed(caller=caller_of(request), batch_id=batch_id)).data)


def _filters(request: Request, form: type[BatchFilterSerializer | BatchItemFilterSerializer]) -> dict[str, Any]:
    asked = {name: value for name, value in request.query_params.items() if name not in {"cursor", "page_size"}}
    filters = form(data=asked)
    filters.is_valid(raise_exception=True)
    found: dict[str, Any] = filters.validated_data
    return found
