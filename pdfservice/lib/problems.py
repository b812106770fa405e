"""Every error on the wire is `application/problem+json` (RFC 9457); this is the one place that gives it its shape."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, JsonResponse
from rest_framework import exceptions
from rest_framework.views import set_rollback

from pdfservice.lib.errors import Fault, ServiceError, malformed, unavailable
from pdfservice.lib.storage import ObjectMissing, StorageUnavailable

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
_CODES = {
    400: "invalid_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
}


def problem_body(error: ServiceError) -> dict[str, Any]:
    """Return the members of a problem document: type, title, status, detail, code, errors."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "errors": [{"pointer": fault.pointer, "message": fault.message} for fault in error.faults],
        **error.members,
    }


def problem_response(error: ServiceError) -> JsonResponse:
    """Return `error` as a response."""
    response = JsonResponse(problem_body(error), status=error.status, content_type=CONTENT_TYPE)
    if error.retry_after_s is not None:
        response["Retry-After"] = str(error.retry_after_s)
    if error.status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="pdfservice"'
    return response


def exception_handler(error: Exception, context: dict[str, Any]) -> JsonResponse | None:
    """Give any exception of a DRF view its shape; None for what nobody foresaw, which Django's handler500 answers."""
    known = as_service_error(error)
    if known is None:
        return None
    set_rollback()
    response = problem_response(known)
    if isinstance(error, exceptions.MethodNotAllowed):
        response["Allow"] = ", ".join(context["view"].allowed_methods)
    return response


def as_service_error(error: BaseException | None) -> ServiceError | None:
    """Translate an exception of Django, DRF, the database or the storage; None when it is none of them."""
    match error:
        case ServiceError():
            return error
        case OperationalError() | InterfaceError():
            logger.error("The database is away: %s", error)
            return unavailable("The database is not available right now.")
        case StorageUnavailable() | ObjectMissing():
            logger.error("The file storage is away or lost an object: %s", error)
            return unavailable("The file storage is not available right now.")
        case Http404():
            return ServiceError(404, _CODES[404], "There is nothing at this address.")
        case PermissionDenied():
            return ServiceError(403, _CODES[403], "This is not allowed.")
        case exceptions.ValidationError():
            faults = list(_faults(error.detail, ""))
            return malformed(f"The request has {len(faults)} fault{'s' * (len(faults) != 1)}; see errors.", faults)
        case exceptions.APIException():
            return _from_api_exception(error)
    return None


def _from_api_exception(error: exceptions.APIException) -> ServiceError:
    wait = getattr(error, "wait", None)
    retry_after = int(wait) + 1 if isinstance(wait, int | float) else None
    code = _CODES.get(error.status_code, "error")
    return ServiceError(error.status_code, code, str(error.detail), retry_after_s=retry_after)


def _faults(detail: Any, pointer: str) -> Iterator[Fault]:
    if isinstance(detail, dict):
        for key, inner in detail.items():
            here = pointer if key == "non_field_errors" else f"{pointer}/{pointer_token(str(key))}"
            yield from _faults(inner, here)
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for index, inner in enumerate(detail):
            # A list holds either messages about one place or a fault (or none) for each item of an array.
            yield from _faults(inner, f"{pointer}/{index}" if isinstance(inner, dict) else pointer)
    else:
        yield Fault(pointer, str(detail))


def pointer_token(key: str) -> str:
    """Escape one token of a JSON pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1")
