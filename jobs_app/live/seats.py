"""Who sits in front of a socket, and whether they still may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone

from jobs_app.live.access import access_to
from pdfservice.lib.errors import ServiceError
from pdfservice.teams.models import Membership, User

# What a dashboard shows hangs on the team (None: all of them) and on whether its reader runs the service.
ViewKey = tuple[int | None, bool]


@dataclass(frozen=True, slots=True)
class Seat:
    """A person, the session they came with, and what they look at."""

    user_id: int
    session_key: str
    session_hash: str
    team_id: int | None
    is_staff: bool

    @property
    def key(self) -> ViewKey:
        """What this seat is shown."""
        return self.team_id, self.is_staff


def seat_for(cookies: str, slug: str) -> Seat | None:
    """Return the seat of whoever sends these cookies and asks for a team; None when there is none for them."""
    session_key = _cookie(cookies, settings.SESSION_COOKIE_NAME)
    if not session_key:
        return None
    request = HttpRequest()
    request.session = SessionStore(session_key)
    user = get_user(request)
    if not isinstance(user, User):
        return None
    try:
        access = access_to(user, slug)
    except ServiceError:
        return None
    team_id = access.team.pk if access.team else None
    return Seat(user.pk, session_key, user.get_session_auth_hash(), team_id, access.is_staff)


def seats_lost(seats: Mapping[str, Seat]) -> list[str]:
    """Return the names of those seats whose people have signed out, or may not see their team any more.

    Three queries, however many seats there are.
    """
    if not seats:
        return []
    keys = {seat.session_key for seat in seats.values()}
    ids = {seat.user_id for seat in seats.values()}
    sessions = set(
        Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now()).values_list(
            "session_key", flat=True
        )
    )
    users = {user.pk: user for user in User.objects.filter(pk__in=ids, is_active=True)}
    memberships = set(Membership.objects.filter(user__in=ids).values_list("user_id", "team_id"))
    return [name for name, seat in seats.items() if not _holds(seat, sessions, users, memberships)]


def _holds(seat: Seat, sessions: set[str], users: Mapping[int, User], memberships: set[tuple[int, int]]) -> bool:
    user = users.get(seat.user_id)
    # The hash changes with the password: whoever changed it wanted others out.
    if user is None or seat.session_key not in sessions or user.get_session_auth_hash() != seat.session_hash:
        return False
    if seat.is_staff:
        return user.is_superuser
    return seat.team_id is not None and (seat.user_id, seat.team_id) in memberships


def _cookie(text: str, name: str) -> str:
    try:
        morsel = SimpleCookie(text).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""
