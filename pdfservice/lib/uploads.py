"""Bodies larger than a payload: their size is checked before they are read, and files go to disk while they come in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from rest_framework.parsers import BaseParser, DataAndFiles, MultiPartParser

from pdfservice.lib.errors import malformed
from pdfservice.lib.json_parser import ENVELOPE_BYTES, parse_json, too_large


class BatchJSONParser(BaseParser):
    """`parse_json` for bodies of up to `MAX_BATCH_BYTES`."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the parsed body of the request."""
        _refuse_oversized((parser_context or {})["request"], settings.MAX_BATCH_BYTES)
        body = stream.read(settings.MAX_BATCH_BYTES + 1)
        if len(body) > settings.MAX_BATCH_BYTES:
            raise too_large(settings.MAX_BATCH_BYTES)
        return parse_json(body)


class BatchFormParser(MultiPartParser):
    """A form with a file of up to `MAX_BATCH_BYTES`; too many or too large other fields are refused."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> DataAndFiles[Any, Any]:
        """Return the form's fields and files."""
        _refuse_oversized((parser_context or {})["request"], settings.MAX_BATCH_BYTES + ENVELOPE_BYTES)
        try:
            return super().parse(stream, media_type, parser_context)
        except SuspiciousOperation as error:
            raise malformed(f"The form cannot be read: {error}") from error


def _refuse_oversized(request: HttpRequest, limit: int) -> None:
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if declared.isdigit() and int(declared) > limit:
        raise too_large(settings.MAX_BATCH_BYTES)
