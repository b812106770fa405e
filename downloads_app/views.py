"""What the holder of a link sees."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from downloads_app.deliveries import redemption_response, signed_origin
from downloads_app.models import Delivery, DownloadLink
from downloads_app.services import Redemption, link_peek, link_redeem, link_resume
from downloads_app.streaming import fit_filename
from pdfservice.lib import storage
from pdfservice.lib.addresses import client_address
from pdfservice.lib.errors import ServiceError, not_found
from pdfservice.lib.problems import CONTENT_TYPE, as_service_error, problem_response
from pdfservice.lib.rate_limits import charge_stranger

Answer = TypeVar("Answer", bound=HttpResponseBase)

_RANGE = re.compile(r"bytes=[ \t]*(?P<first>[0-9]{1,19})-(?P<last>[0-9]{0,19})[ \t]*", re.ASCII)
_HEADLINES = {
    "link_spent": gettext_lazy("This link has been used"),
    "link_expired": gettext_lazy("This link has expired"),
    "link_revoked": gettext_lazy("This link has been withdrawn"),
    "file_gone": gettext_lazy("This document is no longer available"),
    "not_found": gettext_lazy("This link does not work"),
    "rate_limited": gettext_lazy("Too many attempts"),
    "unavailable": gettext_lazy("Not available right now"),
}


class LinkView(View):
    """What the page and the download have in common: how they refuse, and headers that keep the token private."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, also when a service refuses or something that it needs is away."""
        with translation.override(translation.get_language_from_request(request)):
            try:
                response = super().dispatch(request, *args, **kwargs)
            except Exception as error:
                known = as_service_error(error)
                if known is None:
                    raise
                response = self.refused(request, _counted(request, known))
        return _discreet(response)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer 405, in the form of the other refusals."""
        response = self.refused(request, ServiceError(405, "method_not_allowed", _("This cannot be done here.")))
        response["Allow"] = ", ".join(name.upper() for name in self.http_method_names)
        return response

    def refused(self, request: HttpRequest, error: ServiceError) -> HttpResponse:
        """Return a refusal as a page."""
        return _refusal_page(request, error)


# Without a CSRF token: that guards what a browser does by itself because of a cookie, and nothing here looks at one.
# Whoever can make a browser post to this address knows the token, and could have downloaded the file right away.
@method_decorator(csrf_exempt, name="dispatch")
class LinkPage(LinkView):
    """`GET` shows what a link opens and spends nothing, so that scanners and previews do no harm; `POST` downloads."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Show name, size, time and uses left, and the button."""
        link = peek(request, token)
        team = link.file.team
        context = {
            "token": token,
            "sender": team.public_name,
            "has_logo": bool(team.logo_key),
            "has_colour": bool(team.brand_color),
            "has_preview": link.shows_preview and link.file.preview_at is not None,
            "filename": fit_filename(link.file.filename),
            "size_bytes": link.file.size_bytes,
            "page_count": link.file.page_count,
            "expires_at": link.expires_at,
            "uses_left": link.max_uses - link.use_count,
        }
        response = render(request, "downloads_app/link.html", context)
        if link.delivery == Delivery.PRESIGNED and storage.signs_addresses():
            # Browsers hold the button's redirect to the policy too.
            response._csp_update = {"form-action": [signed_origin(link.file)]}  # type: ignore[attr-defined]
        return response

    def post(self, request: HttpRequest, token: str) -> HttpResponseBase:
        """Spend a use and send the file."""
        return redemption_response(_redeem(request, token))


class LinkFile(LinkView):
    """The download for programs: a `GET` spends a use, so there is no `HEAD`."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest, token: str) -> HttpResponseBase:
        """Spend a use and send the file, or send the rest of it after a break."""
        if rest := _rest(request):
            return redemption_response(_resume(request, token, *rest), resumable=True)
        return redemption_response(_redeem(request, token), resumable=True)

    def refused(self, request: HttpRequest, error: ServiceError) -> HttpResponse:
        """Return a refusal as a problem document, as a page to whoever would rather have HTML."""
        preferred = request.get_preferred_type([CONTENT_TYPE, "application/json", "text/html"])
        return _refusal_page(request, error) if preferred == "text/html" else problem_response(error)


@csrf_exempt
def nothing_here(request: HttpRequest) -> HttpResponseBase:
    """Answer what cannot be a link as if it were a wrong one."""
    with translation.override(translation.get_language_from_request(request)):
        return _discreet(_refusal_page(request, _counted(request, not_found("link"))))


def peek(request: HttpRequest, token: str) -> DownloadLink:
    """Return the link that `token` opens for whoever asks; spends nothing. Raises ServiceError (404, 410)."""
    return link_peek(token=token, address=client_address(request), agent=_agent(request))


def _redeem(request: HttpRequest, token: str) -> Redemption:
    return link_redeem(token=token, address=client_address(request), agent=_agent(request))


def _resume(request: HttpRequest, token: str, first: int, last: int | None) -> Redemption:
    etag = request.headers.get("If-Range", "").strip()
    return link_resume(
        token=token, address=client_address(request), agent=_agent(request), first=first, last=last, etag=etag
    )


def _rest(request: HttpRequest) -> tuple[int, int | None] | None:
    """Return the first and last byte that the caller still wants; None for the whole.

    A range from the beginning, several ranges and what cannot be read mean the whole (RFC 9110, section 14.2).
    """
    match = _RANGE.fullmatch(request.headers.get("Range", ""))
    first, last = (int(match["first"]), int(match["last"]) if match["last"] else None) if match else (0, None)
    return None if first == 0 or (last is not None and last < first) else (first, last)


def _counted(request: HttpRequest, error: ServiceError) -> ServiceError:
    """Return `error`, or a refusal of further calls from an address that tried too many wrong links."""
    if error.status == HTTPStatus.NOT_FOUND:
        try:
            charge_stranger(request)
        except ServiceError as too_many:
            return too_many
    return error


def _agent(request: HttpRequest) -> str:
    return request.headers.get("User-Agent", "")


def _refusal_page(request: HttpRequest, error: ServiceError) -> HttpResponse:
    """Return a page that says why, and nothing about the file."""
    context = {"code": error.code, "headline": _HEADLINES.get(error.code, _("This does not work"))}
    response = render(request, "downloads_app/refused.html", context, status=error.status)
    if error.retry_after_s is not None:
        response["Retry-After"] = str(error.retry_after_s)
    return response


def _discreet(response: Answer) -> Answer:
    """Keep the answer, and the address it came from, out of caches, search engines and Referer headers."""
    response.setdefault("Cache-Control", "no-store")
    patch_vary_headers(response, ["Accept-Language"])
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response
