"""What a use of a link paid for, as an HTTP response: our own stream, or word to somebody else to send it."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from downloads_app.models import Delivery, StoredFile
from downloads_app.services import Redemption
from downloads_app.streaming import describe, disposition
from pdfservice.lib import storage

# Until a signed address is followed, not until the download is over.
SIGNED_SECONDS = 60


def redemption_response(redemption: Redemption, *, resumable: bool = False) -> HttpResponseBase:
    """Return the file, kept by nobody on the way; `resumable` tells programs that they may go on after a break."""
    response: HttpResponseBase
    match redemption.delivery:
        case Delivery.PRESIGNED:
            # 303, so that the browser fetches with GET what a button asked for with POST.
            response = HttpResponse(status=303, headers={"Location": signed_address(redemption.file)})
        case Delivery.SENDFILE:
            response = _handed_to_proxy(redemption.file)
        case _:
            response = _stream(redemption)
            response["Accept-Ranges"] = "bytes" if resumable else "none"
    response["Cache-Control"] = "private, no-store"
    return response


def signed_address(file: StoredFile) -> str:
    """Return an address of the file server that gives `file` to anybody, as an attachment, for a minute."""
    return storage.signed_address(
        file.key,
        seconds=SIGNED_SECONDS,
        content_type=file.content_type,
        content_disposition=disposition(file, attachment=True),
    )


def signed_origin(file: StoredFile) -> str:
    """Return scheme and host of those addresses."""
    parts = urlsplit(signed_address(file))
    return f"{parts.scheme}://{parts.netloc}"


def _stream(redemption: Redemption) -> StreamingHttpResponse:
    file, content, first = redemption.file, redemption.content, redemption.offset
    response = StreamingHttpResponse(content, status=206 if first else 200)
    response["Content-Length"] = str(content.expected_bytes)
    if first:
        last = first + content.expected_bytes - 1
        response["Content-Range"] = f"bytes {first}-{last}/{file.size_bytes}"
    response["ETag"] = file.etag
    describe(response, file, attachment=True)
    return response


def _handed_to_proxy(file: StoredFile) -> HttpResponse:
    response = HttpResponse()
    if settings.SENDFILE == "x-accel-redirect":
        response["X-Accel-Redirect"] = settings.SENDFILE_LOCATION + quote(file.key)
    else:
        response["X-Sendfile"] = storage.local_path(file.key)
    response["ETag"] = file.etag
    describe(response, file, attachment=True)
    return response
