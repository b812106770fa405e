"""How jobs look on the wire, and what a request for one may say."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs_app.models import Job, JobAttempt
from jobs_app.options import OptionsSerializer
from jobs_app.states import Kind, Outcome, Status
from jobs_app.submission import RenderRequest
from pdfservice.lib.serializers import StrictSerializer
from pdfservice.teams.models import AuditEvent

_TEN_YEARS_SECONDS = 10 * 366 * 86_400


class WishSerializer(StrictSerializer):
    """What requests for one document and for many have in common."""

    template = serializers.CharField(max_length=80, help_text="The template's slug.")
    version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, help_text="A published version; the active one if left out."
    )
    priority = serializers.IntegerField(min_value=1, max_value=10, default=5, help_text="1 is served first.")
    expires_in = serializers.IntegerField(
        min_value=60,
        max_value=_TEN_YEARS_SECONDS,
        required=False,
        allow_null=True,
        help_text="Seconds for which outputs are kept; null keeps them; the template's or team's days if left out.",
    )


class GenerateSerializer(WishSerializer):
    """A document to make."""

    payload = serializers.DictField(help_text="What the template shows.")
    options = OptionsSerializer(required=False)
    dedup = serializers.BooleanField(
        default=True, help_text="Whether a job with the same content may answer; false asks for a fresh render."
    )

    def to_request(self) -> RenderRequest:
        """Return the validated request."""
        data: dict[str, Any] = self.validated_data
        return RenderRequest(
            template=data["template"],
            version=data.get("version"),
            payload=data["payload"],
            priority=data["priority"],
            options=data.get("options", {}),
            keeps_default="expires_in" not in data,
            expires_in=data.get("expires_in"),
            dedup=data["dedup"],
        )


class JobErrorSerializer(serializers.Serializer[Any]):
    """Why a job failed, or why its last attempt did."""

    code = serializers.CharField()
    message = serializers.CharField()
    file = serializers.CharField(
        allow_null=True, help_text="html_source or partials/NAME: what line and column are of."
    )
    line = serializers.IntegerField(allow_null=True)
    column = serializers.IntegerField(allow_null=True)
    path = serializers.CharField(allow_null=True, help_text="JSON pointer into the payload.")


class TimingsSerializer(serializers.Serializer[Any]):
    """Milliseconds by stage."""

    queue_ms = serializers.IntegerField()
    render_ms = serializers.IntegerField()
    total_ms = serializers.IntegerField()


class ProvenanceSerializer(serializers.Serializer[Any]):
    """What a document was made from and with: equal ones have equal bytes."""

    template_hash = serializers.CharField(help_text="SHA-256 over the version's source, style, schema and assets.")
    payload_hash = serializers.CharField(help_text="SHA-256 of the payload as it was stored.")
    engine = serializers.CharField()
    engine_version = serializers.CharField()
    fonts = serializers.ListField(child=serializers.CharField(), help_text="Names of the fonts in the PDF.")


class JobSerializer(serializers.Serializer[Job]):
    """A job, everywhere it is shown."""

    id = serializers.UUIDField(source="external_id")
    kind = serializers.ChoiceField(choices=Kind.choices)
    status = serializers.ChoiceField(choices=Status.choices)
    template = serializers.CharField(source="template_version.template.slug", default=None, allow_null=True)
    version = serializers.IntegerField(source="template_version.version", default=None, allow_null=True)
    priority = serializers.IntegerField()
    attempt_count = serializers.IntegerField()
    deduplicated = serializers.SerializerMethodField()
    queued_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    cancel_requested_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(source="output.expires_at", default=None, allow_null=True)
    output_hash = serializers.CharField(source="output.sha256", default=None, allow_null=True)
    output_size_bytes = serializers.IntegerField(source="output.size_bytes", default=None, allow_null=True)
    page_count = serializers.IntegerField(allow_null=True)
    timings = serializers.SerializerMethodField()
    warnings = serializers.ListField(child=serializers.CharField())
    provenance = ProvenanceSerializer(allow_null=True, help_text="Null until there is a document.")
    error = serializers.SerializerMethodField()
    status_url = serializers.SerializerMethodField()
    file_url = serializers.SerializerMethodField()

    @extend_schema_field(TimingsSerializer(allow_null=True))
    def get_timings(self, job: Job) -> dict[str, int] | None:
        """Return how long it took, once it is done."""
        return job.timings or None

    def get_deduplicated(self, job: Job) -> bool:
        """Say whether an earlier job answers for the request that this is the answer to."""
        return bool(self.context.get("deduplicated", False))

    @extend_schema_field(JobErrorSerializer(allow_null=True))
    def get_error(self, job: Job) -> dict[str, Any] | None:
        """Return the last error; none once the job is done."""
        if not job.error_code:
            return None
        places = {name: job.error_detail.get(name) for name in ("file", "line", "column", "path")}
        return {"code": job.error_code, "message": job.error_message, **places}

    @extend_schema_field(serializers.URLField())
    def get_status_url(self, job: Job) -> str:
        """Return where to look again."""
        return f"{settings.PUBLIC_URL}/pdf/jobs/{job.external_id}"

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_file_url(self, job: Job) -> str | None:
        """Return where the PDF is, once there is one."""
        return f"{settings.PUBLIC_URL}/pdf/jobs/{job.external_id}/file" if job.status == Status.DONE else None


class JobEventSerializer(serializers.ModelSerializer[AuditEvent]):
    """One thing that happened to a job."""

    class Meta:
        model = AuditEvent
        fields = ["id", "at", "action", "actor", "data"]


class AttemptSerializer(serializers.ModelSerializer[JobAttempt]):
    """One try at a job: when, by which worker, and what came of it."""

    outcome = serializers.ChoiceField(choices=Outcome.choices)

    class Meta:
        model = JobAttempt
        fields = [
            "number", "worker", "started_at", "finished_at", "outcome", "error_code", "error_message",
            "peak_memory_kb", "log",
        ]  # fmt: skip


class ReviveSerializer(StrictSerializer):
    """Which failed jobs to send back: those named, or all that fit the rest. Something must be said."""

    ids = serializers.ListField(child=serializers.UUIDField(), max_length=1000, required=False, allow_empty=False)
    error_code = serializers.CharField(max_length=40, required=False)
    template = serializers.CharField(max_length=80, required=False, help_text="A template's slug.")
    failed_after = serializers.DateTimeField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse an empty wish: it would send back everything that ever failed."""
        if not attrs:
            raise serializers.ValidationError("Name jobs by ids, or narrow by error_code, template or failed_after.")
        return attrs


class RevivedSerializer(serializers.Serializer[Any]):
    """How many jobs went back into the queue."""

    retried = serializers.IntegerField()


class JobFilterSerializer(StrictSerializer):
    """What a list of jobs may be narrowed by."""

    status = serializers.ChoiceField(choices=Status.choices, required=False)
    template = serializers.CharField(max_length=80, required=False, help_text="A template's slug.")
    batch = serializers.UUIDField(required=False, help_text="The jobs that make the documents of a batch.")
    error_code = serializers.CharField(max_length=40, required=False)
    queued_after = serializers.DateTimeField(required=False)
    finished_after = serializers.DateTimeField(required=False)
