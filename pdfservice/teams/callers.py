"""Who is asking: a team's key or a member in a session, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from rest_framework.request import Request

from pdfservice.lib.errors import ServiceError, malformed, not_found
from pdfservice.lib.rate_limits import charge_stranger
from pdfservice.teams.models import ApiKey, Membership, Team, User
from pdfservice.teams.scopes import ROLE_SCOPES, Scope


@dataclass(frozen=True, slots=True)
class Caller:
    """Exactly one of `user` and `api_key` is set."""

    team: Team
    scopes: frozenset[Scope]
    user: User | None = None
    api_key: ApiKey | None = None

    @property
    def actor(self) -> str:
        """How the audit log names this caller."""
        return f"user:{self.user.get_username()}" if self.user else f"key:{self.api_key.prefix if self.api_key else ''}"

    def may(self, scope: Scope) -> bool:
        """Say whether the caller has `scope`."""
        return scope in self.scopes


def caller_of(request: Request) -> Caller:
    """Return who sent an authenticated request; raise ServiceError when nobody did: 401, 429 when that came often."""
    if not isinstance(request.auth, Caller):
        charge_stranger(request._request)
        raise ServiceError(401, "unauthenticated", "Send an API key: Authorization: Bearer pdf_<prefix>_<secret>.")
    return request.auth


def member_caller(request: HttpRequest, user: User) -> Caller:
    """Return the caller for a signed-in user; raise ServiceError when it is not clear for which team they act."""
    memberships = Membership.objects.filter(user=user).select_related("team").order_by("team__slug")
    if slug := request.headers.get("X-Team"):
        membership = memberships.filter(team__slug=slug).first()
        if membership is None:
            raise not_found("team")
        return _caller(membership, user)
    match list(memberships[:2]):
        case [membership]:
            return _caller(membership, user)
        case []:
            raise ServiceError(403, "forbidden", "You are not a member of any team.")
        case _:
            raise malformed("You are a member of several teams; name one in the X-Team header.")


def _caller(membership: Membership, user: User) -> Caller:
    return Caller(team=membership.team, scopes=ROLE_SCOPES[membership.role], user=user)
