"""Files as HTTP responses (RFC 9110), streamed from storage."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header, parse_etags

from downloads_app.models import StoredFile
from downloads_app.services import file_open

_SINGLE_RANGE = re.compile(r"bytes=[ \t]*(?P<first>[0-9]{0,19})-(?P<last>[0-9]{0,19})[ \t]*", re.ASCII)
# Control characters, halves of surrogate pairs and line separators have no place in a header; the marks that turn the
# direction of text make "fdp.exe" look like "exe.pdf".
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Window:
    """The bytes `first` to `last` of a file, both included."""

    first: int
    last: int

    @property
    def size_bytes(self) -> int:
        """How many those are."""
        return self.last - self.first + 1


def file_response(request: HttpRequest, file: StoredFile, *, attachment: bool = True) -> HttpResponseBase:
    """Return `file` for an API caller: conditional by its ETag, resumable by one range, without its bytes for HEAD.

    Raises ServiceError (410) for a file that is gone, StorageUnavailable or ObjectMissing.
    """
    size = file.size_bytes or 0
    etag = file.etag
    window = None
    response: HttpResponseBase
    if _is_known(request, etag):
        response = HttpResponse(status=304)
    else:
        window = _asked_for(request, etag, size)
        if window is not None and window.first >= size:
            response = HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
        elif request.method == "HEAD":
            response = HttpResponse(headers={"Content-Length": str(size)})
        else:
            response = _stream(file, window, size)
    if response.status_code < 300:
        describe(response, file, attachment=attachment)
    else:
        del response["Content-Type"]
    response["ETag"] = etag
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-cache"
    return response


def fit_filename(filename: str) -> str:
    """Return `filename` without what would break a header, leave the directory, or deceive the eye."""
    return _UNFIT.sub("", filename).replace("/", "_").replace("\\", "_").strip() or "document"


def _stream(file: StoredFile, window: Window | None, size: int) -> StreamingHttpResponse:
    if window is None:
        return StreamingHttpResponse(file_open(file=file), headers={"Content-Length": str(size)})
    headers = {
        "Content-Length": str(window.size_bytes),
        "Content-Range": f"bytes {window.first}-{window.last}/{size}",
    }
    content = file_open(file=file, offset=window.first, length=window.size_bytes)
    return StreamingHttpResponse(content, status=206, headers=headers)


def disposition(file: StoredFile, *, attachment: bool) -> str:
    """Return the Content-Disposition of a file (RFC 6266, RFC 8187)."""
    return content_disposition_header(attachment, fit_filename(file.filename)) or "attachment"


def describe(response: HttpResponseBase, file: StoredFile, *, attachment: bool) -> None:
    """Say what a response holds."""
    response["Content-Type"] = file.content_type
    response["Content-Disposition"] = disposition(file, attachment=attachment)
    response["X-Content-Type-Options"] = "nosniff"


def _is_known(request: HttpRequest, etag: str) -> bool:
    """Say whether the caller has the file already: If-None-Match compares weakly (RFC 9110, section 13.1.2)."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return known == ["*"] or etag in [tag.removeprefix("W/") for tag in known]


def _asked_for(request: HttpRequest, etag: str, size: int) -> Window | None:
    """Return the window that the caller wants, `first` beyond the end when there is nothing of it; None for the whole.

    Several ranges, other units and what cannot be read mean the whole file, as RFC 9110 (section 14.2) allows; so does
    an If-Range that is not exactly our ETag.
    """
    match = _SINGLE_RANGE.fullmatch(request.headers.get("Range", ""))
    if request.method != "GET" or match is None or request.headers.get("If-Range", etag).strip() != etag:
        return None
    if match["first"]:
        first, last = int(match["first"]), int(match["last"] or size - 1)
        if match["last"] and last < first:
            return None
        return Window(first, min(last, size - 1))
    if not match["last"]:
        return None
    suffix = int(match["last"])
    return Window(max(size - suffix, 0) if suffix else size, size - 1)
