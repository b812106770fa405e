"""How DRF learns who is asking."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from pdfservice.lib.errors import ServiceError
from pdfservice.teams.api_keys import api_key_recognise
from pdfservice.teams.callers import Caller, member_caller


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer pdf_<prefix>_<secret>`."""

    def authenticate(self, request: Request) -> tuple[None, Caller] | None:
        """Return the key's caller, None without such a header; raise ServiceError (401) for a key that is no good."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        key = api_key_recognise(text.strip())
        if key is None:
            raise ServiceError(401, "unauthenticated", "This API key is not known, or it was revoked or has expired.")
        return None, Caller(team=key.team, scopes=key.granted(), api_key=key)

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return 'Bearer realm="pdfservice"'


class MemberSessionAuthentication(SessionAuthentication):
    """A signed-in member, with Django's CSRF check."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the user and the caller they are; None without a session."""
        found = super().authenticate(request)
        if found is None:
            return None
        user = found[0]
        return user, member_caller(request._request, user)


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
