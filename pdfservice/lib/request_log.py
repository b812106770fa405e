"""One log line for each request, and no secret in any line."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from pythonjsonlogger.json import JsonFormatter

from pdfservice.lib.addresses import client_address_text

logger = logging.getLogger("pdfservice.requests")

_SECRETS = re.compile(r"(/d/|pdf_[A-Za-z0-9]{8}_)[A-Za-z0-9_-]{8,}")
_QUIET = {"/healthz", "/readyz", "/metrics"}


class MaskedText(logging.Formatter):
    """Plain lines, with the tokens of links and the secrets of API keys replaced by `***`, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line or lines."""
        return mask_secrets(super().format(record))


class MaskedJson(JsonFormatter):
    """One JSON object a line, masked alike: the extras that Django adds to a record name the request."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        return mask_secrets(super().format(record))


def mask_secrets(text: str) -> str:
    """Return `text` with every link token and API key secret replaced by `***`."""
    return _SECRETS.sub(r"\1***", text)


class RequestLogMiddleware:
    """Logs method, path, status and duration of each request: the server's own access log would print link tokens."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self.get_response(request)
        level = logging.DEBUG if request.path in _QUIET else logging.INFO
        logger.log(
            level,
            "%s %s %s %.0f ms %s",
            request.method,
            request.path,
            response.status_code,
            (time.perf_counter() - began) * 1000,
            client_address_text(request),
        )
        return response
