"""One log line for each request, and no secret in any line."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from pdfservice.lib.addresses import client_address_text

logger = logging.getLogger("pdfservice.requests")

_SECRETS = re.compile(r"(/d/|pdf_[A-Za-z0-9]{8}_)[A-Za-z0-9_-]{8,}")
_QUIET = {"/healthz", "/readyz"}


class MaskSecrets(logging.Filter):
    """Replaces the tokens of links and the secrets of API keys in any record with `***`."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record's message and its traceback; keep every record."""
        message = record.getMessage()
        masked = mask_secrets(message)
        if masked != message:
            record.msg, record.args = masked, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = mask_secrets(logging.Formatter().formatException(record.exc_info))
        return True


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
