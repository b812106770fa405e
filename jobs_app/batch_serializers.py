"""How batches look on the wire."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs_app.models import Batch, BatchItem
from jobs_app.states import BatchStatus, OutputMode, Status
from pdfservice.lib.serializers import StrictSerializer

SHOWN_ERRORS = 20


class FaultSerializer(serializers.Serializer[Any]):
    """One thing wrong with an item; `pointer` leads into the request's body, or into the line of a file."""

    pointer = serializers.CharField()
    message = serializers.CharField()


class ItemErrorSerializer(serializers.Serializer[Any]):
    """Why an item came to nothing."""

    code = serializers.CharField()
    message = serializers.CharField()
    errors = FaultSerializer(many=True)  # type: ignore[assignment]  # a field of the representation


class BatchItemSerializer(serializers.Serializer[BatchItem]):
    """One item of a batch."""

    position = serializers.IntegerField()
    line = serializers.IntegerField(allow_null=True, help_text="Of the file, from 1, the header included.")
    reference = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)
    job_id = serializers.UUIDField(source="job.external_id", default=None, allow_null=True)
    status_url = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_status_url(self, item: BatchItem) -> str | None:
        """Return the address of the job that makes this document."""
        return f"{settings.PUBLIC_URL}/pdf/jobs/{item.job.external_id}" if item.job else None

    @extend_schema_field(ItemErrorSerializer(allow_null=True))
    def get_error(self, item: BatchItem) -> dict[str, Any] | None:
        """Return why the item failed: for itself, or because its job did."""
        if item.error_code:
            return {"code": item.error_code, "message": item.error_message, "errors": item.errors}
        if item.job is None or not item.job.error_code:
            return None
        path = item.job.error_detail.get("path")
        errors = [{"pointer": path, "message": item.job.error_message}] if path else []
        return {"code": item.job.error_code, "message": item.job.error_message, "errors": errors}


class CountsSerializer(serializers.Serializer[Any]):
    """How many items stand where."""

    queued = serializers.IntegerField()
    processing = serializers.IntegerField()
    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    expired = serializers.IntegerField()


class BatchErrorSerializer(serializers.Serializer[Any]):
    """Why a batch came to nothing."""

    code = serializers.CharField()
    message = serializers.CharField()


class BatchSummarySerializer(serializers.Serializer[Batch]):
    """A batch in a list."""

    id = serializers.UUIDField(source="external_id")
    status = serializers.ChoiceField(choices=BatchStatus.choices)
    template = serializers.CharField(source="template_version.template.slug")
    version = serializers.IntegerField(source="template_version.version")
    priority = serializers.IntegerField()
    output = serializers.ChoiceField(source="output_mode", choices=OutputMode.choices)
    total = serializers.IntegerField(allow_null=True, help_text="Null until the items of a file are counted.")
    queued_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    cancel_requested_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(source="bundle.output.expires_at", default=None, allow_null=True)
    output_hash = serializers.CharField(source="bundle.output.sha256", default=None, allow_null=True)
    output_size_bytes = serializers.IntegerField(source="bundle.output.size_bytes", default=None, allow_null=True)
    bundle_job_id = serializers.UUIDField(
        source="bundle.external_id", default=None, allow_null=True, help_text="The job that makes the one file."
    )
    error = serializers.SerializerMethodField()
    status_url = serializers.SerializerMethodField()
    jobs_url = serializers.SerializerMethodField()
    items_url = serializers.SerializerMethodField()
    file_url = serializers.SerializerMethodField()

    @extend_schema_field(BatchErrorSerializer(allow_null=True))
    def get_error(self, batch: Batch) -> dict[str, str] | None:
        """Return why the batch failed."""
        return {"code": batch.error_code, "message": batch.error_message} if batch.error_code else None

    @extend_schema_field(serializers.URLField())
    def get_status_url(self, batch: Batch) -> str:
        """Return the address of this representation."""
        return f"{settings.PUBLIC_URL}/pdf/batches/{batch.external_id}"

    @extend_schema_field(serializers.URLField())
    def get_jobs_url(self, batch: Batch) -> str:
        """Return the address of the jobs that make the documents."""
        return f"{settings.PUBLIC_URL}/pdf/jobs?batch={batch.external_id}"

    @extend_schema_field(serializers.URLField())
    def get_items_url(self, batch: Batch) -> str:
        """Return the address of the items."""
        return f"{self.get_status_url(batch)}/items"

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_file_url(self, batch: Batch) -> str | None:
        """Return the address of the one file, once there is one."""
        is_there = batch.status == BatchStatus.DONE and batch.bundle is not None and batch.bundle.status == Status.DONE
        return f"{self.get_status_url(batch)}/file" if is_there else None


class BatchSerializer(BatchSummarySerializer):
    """A batch with its progress."""

    counts = serializers.SerializerMethodField()
    errors = serializers.SerializerMethodField(  # type: ignore[assignment]  # a field of the representation
        help_text=f"The first {SHOWN_ERRORS} failed items."
    )

    @extend_schema_field(CountsSerializer)
    def get_counts(self, batch: Batch) -> dict[str, int]:
        """Return how many items stand where."""
        return batch.items.counts()

    @extend_schema_field(BatchItemSerializer(many=True))
    def get_errors(self, batch: Batch) -> Any:
        """Return the first items that failed."""
        failed = batch.items.with_status(Status.FAILED).select_related("job").order_by("position")[:SHOWN_ERRORS]
        return [BatchItemSerializer(item).data for item in failed]


class BatchFilterSerializer(StrictSerializer):
    """What a list of batches may be narrowed by."""

    status = serializers.ChoiceField(choices=BatchStatus.choices, required=False)


class BatchItemFilterSerializer(StrictSerializer):
    """What a list of items may be narrowed by."""

    status = serializers.ChoiceField(choices=Status.choices, required=False)
