"""Which scope a view asks for."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from pdfservice.lib.errors import ServiceError
from pdfservice.teams.callers import caller_of
from pdfservice.teams.scopes import Scope


class HasScope(BasePermission):
    """Grants a view to a caller with one of the scopes in its `scopes`, a mapping of HTTP method to scopes.

    A view that names no scopes for a method is open to nobody, so that forgetting is safe.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return True, or raise ServiceError (401, 403)."""
        if request.method not in view.allowed_methods:
            return True  # the view answers 405
        caller = caller_of(request)
        method = "GET" if request.method == "HEAD" else request.method
        wanted: tuple[Scope, ...] = view.scopes.get(method, ())
        if not any(caller.may(scope) for scope in wanted):
            names = " or ".join(wanted) or "a right that nobody has"
            raise ServiceError(403, "missing_scope", f"This needs the scope {names}.")
        return True
