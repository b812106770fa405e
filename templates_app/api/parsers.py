"""What authors send: JSON with long sources, and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import DataAndFiles, MultiPartParser

from pdfservice.lib.json_parser import ENVELOPE_BYTES, StrictJSONParser, refuse_oversized
from templates_app.authoring.parts import MAX_ASSET_BYTES

MAX_SOURCES_BYTES = 4 << 20


class SourcesParser(StrictJSONParser):
    """Strict JSON with room for a template's sources."""

    def limit(self) -> int:
        """Return how many bytes a body may have."""
        return MAX_SOURCES_BYTES


class AssetParser(MultiPartParser):
    """Multipart with one file of up to ten mebibytes; more is refused before it is read."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> DataAndFiles[Any, Any]:
        """Return fields and files."""
        context = dict(parser_context or {})
        refuse_oversized(context["request"], MAX_ASSET_BYTES + ENVELOPE_BYTES, says=MAX_ASSET_BYTES)
        return super().parse(stream, media_type, context)
