"""How a document is made and named: what callers may ask for, alone or in a batch."""

from __future__ import annotations

import unicodedata

from rest_framework import serializers

from templates_app.page_options import PageOptionsSerializer


class OptionsSerializer(PageOptionsSerializer):
    """How the document is made and named."""

    filename = serializers.CharField(max_length=200, required=False, help_text="What a download is called.")

    def validate_filename(self, value: str) -> str:
        """Refuse what is no plain file name; end it in .pdf."""
        if any(unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} for character in value):
            raise serializers.ValidationError("A file name holds no control characters.")
        if "/" in value or "\\" in value or value in {".", ".."}:
            raise serializers.ValidationError("A file name holds no directories.")
        return value if value.lower().endswith(".pdf") else f"{value}.pdf"
