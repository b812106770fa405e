"""What a request for a batch may say: items as JSON, or a form with a file."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs_app.batches.items import NOT_MERGED, ItemSerializer
from jobs_app.batches.sources import MAX_ITEMS
from jobs_app.batches.submission import BatchRequest, items_source
from jobs_app.batches.tables import DELIMITERS
from jobs_app.options import BatchOptionsSerializer
from jobs_app.passwords import ENCRYPTION
from jobs_app.serializers import WishSerializer
from jobs_app.states import OutputMode, SourceFormat
from pdfservice.lib.errors import ServiceError
from pdfservice.lib.json_parser import parse_json


class _BatchFieldsSerializer(WishSerializer):
    """What both forms of a request have in common."""

    output = serializers.ChoiceField(
        choices=OutputMode.choices,
        default=OutputMode.SEPARATE,
        help_text="A document an item, or one file.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse to merge what is encrypted: it would have to be opened first."""
        if attrs["output"] == OutputMode.MERGED and (attrs.get("options") or {}).get(ENCRYPTION):
            raise serializers.ValidationError({"options": {ENCRYPTION: [NOT_MERGED]}})
        return attrs

    def request_for(self, source: bytes, source_format: SourceFormat, **more: Any) -> BatchRequest:
        """Return the validated request for the items in `source`."""
        data: dict[str, Any] = self.validated_data
        return BatchRequest(
            template=data["template"],
            version=data.get("version"),
            priority=data["priority"],
            output_mode=OutputMode(data["output"]),
            options=data.get("options") or {},
            keeps_default="expires_in" not in data,
            expires_in=data.get("expires_in"),
            source=source,
            source_format=source_format,
            **more,
        )


class _RawItemsField(serializers.ListField):
    """Items that nobody looks into yet: one that does not fit becomes a failed item, not a refused batch."""

    def run_child_validation(self, data: Any) -> Any:
        """Return the items as they came."""
        return data


@extend_schema_field(ItemSerializer(many=True))
class _ItemsField(_RawItemsField):
    pass


class BatchRequestSerializer(_BatchFieldsSerializer):
    """Many documents to make of one template."""

    options = BatchOptionsSerializer(required=False, help_text="For every item; an item's own options come first.")
    items = _ItemsField(min_length=1, max_length=MAX_ITEMS, allow_empty=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse to merge items that are encrypted."""
        if attrs["output"] == OutputMode.MERGED:
            encrypted = {"options": {ENCRYPTION: [NOT_MERGED]}}
            faults: Any = {index: encrypted for index, item in enumerate(attrs["items"]) if _wants_encryption(item)}
            if faults:
                raise serializers.ValidationError({"items": faults})
        return super().validate(attrs)

    def to_request(self) -> BatchRequest:
        """Return the validated request."""
        items: list[Any] = self.validated_data["items"]
        return self.request_for(items_source(items), SourceFormat.ITEMS, total=len(items))


class BatchFormSerializer(_BatchFieldsSerializer):
    """Many documents to make of one template, their items in a file."""

    file = serializers.FileField(help_text="CSV with a header row, or JSON Lines.")
    format = serializers.ChoiceField(
        choices=[SourceFormat.CSV, SourceFormat.JSON_LINES],
        required=False,
        help_text="If left out: JSON Lines for a file that begins with a brace or is named so, else CSV.",
    )
    delimiter = serializers.CharField(
        max_length=3, required=False, trim_whitespace=False, help_text="Comma, semicolon or tab (or the word tab)."
    )
    options = serializers.CharField(required=False, help_text="Options for every item, as JSON.")

    def validate_delimiter(self, value: str) -> str:
        """Refuse what separates nothing."""
        delimiter = "\t" if value.lower() in {"tab", "\\t"} else value
        if delimiter not in DELIMITERS:
            raise serializers.ValidationError("A delimiter is a comma, a semicolon or a tab.")
        return delimiter

    def validate_options(self, value: str) -> dict[str, Any]:
        """Return the options that the JSON text holds."""
        try:
            parsed = parse_json(value.encode())
        except ServiceError as error:
            raise serializers.ValidationError(error.detail) from error
        options = BatchOptionsSerializer(data=parsed)
        options.is_valid(raise_exception=True)
        checked: dict[str, Any] = options.validated_data
        return checked

    def validate_file(self, value: Any) -> Any:
        """Refuse a file over the limit."""
        if value.size > settings.MAX_BATCH_BYTES:
            raise serializers.ValidationError(f"The file is over the limit of {settings.MAX_BATCH_BYTES} bytes.")
        return value

    def to_request(self) -> BatchRequest:
        """Return the validated request."""
        upload = self.validated_data["file"]
        source: bytes = upload.read()
        source_format = self.validated_data.get("format") or _guessed(str(upload.name), source)
        delimiter = self.validated_data.get("delimiter", "")
        return self.request_for(source, SourceFormat(source_format), delimiter=delimiter)


def _wants_encryption(item: Any) -> bool:
    options = item.get("options") if isinstance(item, dict) else None
    return isinstance(options, dict) and bool(options.get(ENCRYPTION))


def _guessed(name: str, source: bytes) -> SourceFormat:
    if name.lower().endswith((".jsonl", ".ndjson")):
        return SourceFormat.JSON_LINES
    if name.lower().endswith((".csv", ".tsv")):
        return SourceFormat.CSV
    begins_with_brace = source.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    return SourceFormat.JSON_LINES if begins_with_brace else SourceFormat.CSV
