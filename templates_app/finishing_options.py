"""What a request may ask to be done to its PDF, and what the renderer makes of the wishes."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from pdfservice.lib.errors import Fault, ServiceError
from pdfservice.lib.serializers import StrictSerializer
from templates_app.page_options import PageOptionsSerializer
from templates_app.renderer.contracts import Engine
from templates_app.renderer.finishes import Attachment, Finish, Metadata, PdfVariant, Relationship
from templates_app.watermark_options import watermark_of

_MAX_ATTACHMENTS = 20
_MEDIA_TYPE = RegexValidator(
    re.compile(r"\A[A-Za-z0-9][A-Za-z0-9.+-]{0,60}/[A-Za-z0-9][A-Za-z0-9.+-]{0,60}\Z"),
    "A content type looks like text/xml.",
)
# Control characters, line and paragraph separators, halves of characters.
_UNFIT = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Two characters that XML cannot hold.
_NO_CHARACTERS = frozenset("\ufffe\uffff")


class PlainTextField(serializers.CharField):
    """One line of text that any PDF reader can show."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text; raise ValidationError for control characters."""
        text = super().to_internal_value(data)
        if any(unicodedata.category(one) in _UNFIT or one in _NO_CHARACTERS for one in text):
            raise serializers.ValidationError("This text may hold no control characters and no line breaks.")
        return text


class FileNameField(PlainTextField):
    """A file name without directories."""

    def to_internal_value(self, data: Any) -> str:
        """Return the name; raise ValidationError."""
        name = super().to_internal_value(data)
        # Marks of direction hide what a name ends in.
        if any(unicodedata.category(one) == "Cf" for one in name):
            raise serializers.ValidationError("A file name holds no control characters.")
        if "/" in name or "\\" in name or name in {".", ".."}:
            raise serializers.ValidationError("A file name holds no directories.")
        return name


class MetadataSerializer(StrictSerializer):
    """What the document says of itself; what is left out stays as the template has it."""

    title = PlainTextField(max_length=500, required=False)
    author = PlainTextField(max_length=500, required=False)
    subject = PlainTextField(max_length=500, required=False)
    keywords = PlainTextField(max_length=500, required=False, help_text="Separated by commas.")


class Base64Field(serializers.CharField):
    """Bytes in base64; kept as text."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text without white space; raise ValidationError."""
        text = "".join(super().to_internal_value(data).split())
        try:
            base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise serializers.ValidationError("This is not base64.") from error
        return text


class AttachmentSerializer(StrictSerializer):
    """A file to put into the document."""

    filename = FileNameField(max_length=200)
    content_type = serializers.CharField(max_length=125, validators=[_MEDIA_TYPE])
    content = Base64Field(help_text="The file in base64.")
    description = PlainTextField(max_length=200, required=False)
    relationship = serializers.ChoiceField(
        choices=[value.value for value in Relationship],
        required=False,
        help_text="What the file is to the document: an invoice's XML is an alternative.",
    )


class IdField(serializers.UUIDField):
    """An id, kept as text."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the id in its usual form; raise ValidationError."""
        return str(super().to_internal_value(data))


class DocumentOptionsSerializer(PageOptionsSerializer):
    """What pages are like, and what happens to the document afterwards."""

    watermark_config_id = IdField(required=False, allow_null=True, help_text="A watermark of the team; null for none.")
    metadata = MetadataSerializer(required=False)
    attachments = AttachmentSerializer(many=True, required=False)
    pdf_variant = serializers.ChoiceField(
        choices=[value.value for value in PdfVariant],
        required=False,
        allow_null=True,
        help_text="PDF/A or PDF/UA, checked after it is made; by the engine weasyprint.",
    )

    def validate_attachments(self, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Refuse too many, and two of one name: readers would show one of them."""
        if len(value) > _MAX_ATTACHMENTS:
            raise serializers.ValidationError(f"A document has up to {_MAX_ATTACHMENTS} attachments.")
        names = [unicodedata.normalize("NFKC", item["filename"]).casefold() for item in value]
        if len(set(names)) < len(names):
            raise serializers.ValidationError("Two attachments have the same file name.")
        return value


def refuse_impossible(options: Mapping[str, Any], *, engine: str) -> None:
    """Raise ServiceError (400) for wishes that no document printed by `engine` can fulfil together."""
    if not options.get("pdf_variant"):
        return
    variant = PdfVariant(options["pdf_variant"])
    faults = []
    if engine != Engine.WEASYPRINT:
        message = f"{variant.title} is made by the engine weasyprint; this version prints with {engine}."
        faults.append(Fault("/options/pdf_variant", message))
    if variant.is_archive and options.get("encryption") is not None:
        faults.append(Fault("/options/encryption", f"{variant.title} forbids encryption."))
    if variant.is_archive and variant is not PdfVariant.A_3B and options.get("attachments"):
        faults.append(Fault("/options/attachments", f"{variant.title} forbids attachments; PDF/A-3b allows them."))
    if faults:
        raise ServiceError(400, "invalid_request", " ".join(fault.message for fault in faults), faults)


def finish_of(options: Mapping[str, Any]) -> Finish:
    """Return what `options` say about finishing, as they were validated and `with_watermark` returned them.

    Raises ObjectMissing or StorageUnavailable for a watermark's image.
    """
    return Finish(
        metadata=Metadata(**options.get("metadata", {})),
        attachments=tuple(_attachment(item) for item in options.get("attachments", ())),
        watermark=watermark_of(options),
        variant=PdfVariant(options["pdf_variant"]) if options.get("pdf_variant") else None,
    )


def _attachment(item: Mapping[str, str]) -> Attachment:
    return Attachment(
        filename=item["filename"],
        content_type=item["content_type"].lower(),
        data=base64.b64decode(item["content"]),
        description=item.get("description", ""),
        relationship=Relationship(item.get("relationship", Relationship.UNSPECIFIED)),
    )
