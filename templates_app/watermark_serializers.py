"""How watermarks look on the wire, and what a request about one may say."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from pdfservice.lib.serializers import StrictSerializer
from templates_app.authoring.watermarks import WatermarkFields
from templates_app.page_ranges import page_ranges
from templates_app.watermark_models import WatermarkConfig, WatermarkImage, WatermarkPosition, WatermarkType

_COLOR = RegexValidator(re.compile(r"\A#[0-9A-Fa-f]{6}\Z"), "A colour looks like #808080.")
_MAX_LINES = 5


class WatermarkChangeSerializer(StrictSerializer):
    """What is to be different about a watermark. An image comes in a form (multipart), as `file`."""

    name = serializers.CharField(max_length=120, required=False)
    content = serializers.CharField(
        max_length=200, required=False, trim_whitespace=False, help_text="The text, on up to five lines."
    )
    file = serializers.FileField(required=False, help_text="PNG, JPEG, WebP or SVG.")
    opacity = serializers.FloatField(min_value=0.01, max_value=1, required=False)
    rotation_deg = serializers.FloatField(min_value=-360, max_value=360, required=False, help_text="Counterclockwise.")
    font_size = serializers.FloatField(
        min_value=4, max_value=1000, required=False, allow_null=True, help_text="Points; null fits the page."
    )
    width_percent = serializers.FloatField(
        min_value=1, max_value=200, required=False, allow_null=True, help_text="Of an image, of the page's width."
    )
    color_hex = serializers.CharField(max_length=7, validators=[_COLOR], required=False)
    repeat_tile = serializers.BooleanField(required=False, help_text="All over the page instead of once.")
    position = serializers.ChoiceField(choices=WatermarkPosition.choices, required=False)
    pages = serializers.CharField(
        max_length=100, required=False, allow_blank=True, help_text="Such as 1, 3-5, 7-; empty for all."
    )

    def validate_content(self, value: str) -> str:
        """Refuse what prints nothing, and what is no text."""
        kinds = {unicodedata.category(one) for one in value if one != "\n"}
        if kinds & {"Cc", "Cs", "Zl", "Zp"}:
            raise serializers.ValidationError("A text may hold no control characters but line feeds.")
        if not {kind[0] for kind in kinds} & set("LNPS"):
            raise serializers.ValidationError("This text prints nothing.")
        if value.count("\n") >= _MAX_LINES:
            raise serializers.ValidationError(f"A text has up to {_MAX_LINES} lines.")
        return value

    def validate_pages(self, value: str) -> str:
        """Refuse what names no pages."""
        if page_ranges(value) is None:
            raise serializers.ValidationError("Pages look like 1, 3-5, 7- and begin with 1.")
        return value

    def to_fields(self) -> WatermarkFields:
        """Return the validated fields."""
        given: Any = {name: value for name, value in self.validated_data.items() if name not in {"type", "file"}}
        fields: WatermarkFields = given
        return fields

    def to_image(self) -> bytes | None:
        """Return the bytes of the file, None without one."""
        upload = self.validated_data.get("file")
        return None if upload is None else bytes(upload.read())


class WatermarkRequestSerializer(WatermarkChangeSerializer):
    """A watermark to make: of type text with its `content`, or of type image with its `file`."""

    name = serializers.CharField(max_length=120)
    type = serializers.ChoiceField(choices=WatermarkType.choices)


class WatermarkImageSerializer(serializers.ModelSerializer[WatermarkImage]):
    """The image of a watermark, without its bytes."""

    class Meta:
        model = WatermarkImage
        fields = ["sha256", "content_type", "size_bytes"]


class WatermarkSerializer(serializers.ModelSerializer[WatermarkConfig]):
    """A watermark, everywhere it is shown."""

    id = serializers.UUIDField(source="external_id", read_only=True)
    type = serializers.ChoiceField(choices=WatermarkType.choices)
    position = serializers.ChoiceField(choices=WatermarkPosition.choices)
    image = WatermarkImageSerializer(allow_null=True, read_only=True)

    class Meta:
        model = WatermarkConfig
        fields = [
            "id", "name", "type", "content", "image", "opacity", "rotation_deg", "font_size", "width_percent",
            "color_hex", "repeat_tile", "position", "pages", "created_at", "updated_at",
        ]  # fmt: skip
