"""How DRF learns who is asking."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from pdfservice.lib.errors import ServiceError
from pdfservice.lib.rate_limits import charge_caller, charge_stranger
from pdfservice.teams.api_keys import api_key_recognise
from pdfservice.teams.callers import Caller, member_caller


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer pdf_<prefix>_<secret>`."""

    def authenticate(self, request: Request) -> tuple[None, Caller] | None:
        """Return the key's caller, None without such a header; raise ServiceError (401, 429)."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        key = api_key_recognise(text.strip())
        if key is None:
            charge_stranger(request._request)
            raise ServiceError(401, "unauthenticated", "This API key is not known, or it was revoked or has expired.")
        caller = Caller(team=key.team, scopes=key.granted(), api_key=key)
        charge_caller(request._request, who=f"key:{key.pk}", per_minute=_per_minute(caller))
        return None, caller

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return 'Bearer realm="pdfservice"'


class MemberSessionAuthentication(SessionAuthentication):
    """A signed-in member, with Django's CSRF check."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the user and the caller they are; None without a session; raise ServiceError (429)."""
        found = super().authenticate(request)
        if found is None:
            return None
        user = found[0]
        caller = member_caller(request._request, user)
        charge_caller(request._request, who=f"user:{user.pk}:{caller.team.pk}", per_minute=_per_minute(caller))
        return user, caller


def _per_minute(caller: Caller) -> int:
    own = caller.team.requests_per_minute
    return int(settings.REQUESTS_PER_MINUTE if own is None else own)


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How OpenAPI describes the keys."""

    target_class = "pdfservice.teams.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return the scheme."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "pdf_<prefix>_<secret>"}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How OpenAPI describes the session cookie."""

    target_class = "pdfservice.teams.authentication.MemberSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return the scheme."""
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
