"""How a document is made and named: what callers may ask for, alone or in a batch."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from jobs_app.passwords import EncryptionSerializer
from templates_app.finishing_options import DocumentOptionsSerializer, FileNameField


class OptionsSerializer(DocumentOptionsSerializer):
    """How the document is made, finished and named."""

    encryption = EncryptionSerializer(required=False, allow_null=True)
    filename = FileNameField(max_length=200, required=False, help_text="What a download is called.")

    def validate_filename(self, value: str) -> str:
        """Return a name that ends in .pdf."""
        return value if value.lower().endswith(".pdf") else f"{value}.pdf"


class BatchOptionsSerializer(OptionsSerializer):
    """What all documents of a batch have in common."""

    def validate_attachments(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Refuse any: each of ten thousand jobs would hold a copy."""
        raise serializers.ValidationError("Attachments belong to the options of single items.")
