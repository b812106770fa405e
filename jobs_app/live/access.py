"""Who may look at which team's dashboard: the same answer for pages and for sockets."""

from __future__ import annotations

from dataclasses import dataclass

from pdfservice.lib.errors import ServiceError, not_found
from pdfservice.teams.models import Membership, Team, User
from pdfservice.teams.scopes import ROLE_SCOPES, Role, Scope

ALL = "*"


@dataclass(frozen=True, slots=True)
class Access:
    """A person in front of a dashboard. `team` is None for all teams together, which superusers may see."""

    user: User
    team: Team | None
    choices: tuple[Team, ...]
    role: str

    @property
    def is_staff(self) -> bool:
        """Whether this person runs the service. Not Django's `is_staff`: that is everybody who writes templates."""
        return self.user.is_superuser

    @property
    def slug(self) -> str:
        """How the address names what is shown."""
        return self.team.slug if self.team else ALL

    @property
    def scopes(self) -> frozenset[Scope]:
        """What this person may do in the team, over the API: nothing where they only look on."""
        return ROLE_SCOPES.get(self.role, frozenset())

    @property
    def may_write(self) -> bool:
        """Whether this person may ask for documents and steer jobs."""
        return Scope.JOBS_WRITE in self.scopes

    @property
    def may_read_payloads(self) -> bool:
        """Whether this person may read what documents are made of: as in the admin, who steers jobs does."""
        return self.may_write or self.is_staff

    @property
    def may_link(self) -> bool:
        """Whether this person may hand documents out."""
        return Scope.LINKS_WRITE in self.scopes


def access_to(user: User, slug: str = "") -> Access:
    """Return what `user` sees who asks for the team `slug`, or for none in particular.

    Raises ServiceError: 404 for a team that is not theirs, 403 for somebody without any.
    """
    memberships = list(Membership.objects.filter(user=user).select_related("team").order_by("team__slug"))
    roles: dict[int, str] = {each.team_id: each.role for each in memberships}
    choices = tuple(each.team for each in memberships)
    if user.is_superuser:
        choices = tuple(Team.objects.order_by("slug"))
        if slug == ALL or (not slug and not memberships):
            return Access(user, None, choices, "")
    wanted = slug or (memberships[0].team.slug if memberships else "")
    if not wanted:
        raise ServiceError(403, "forbidden", "You are not a member of any team. An administrator can add you to one.")
    team = next((each for each in choices if each.slug == wanted), None)
    if team is None:
        raise not_found("team")
    return Access(user, team, choices, roles.get(team.pk, ""))


def role_name(access: Access) -> str:
    """Return how the page calls the person's role."""
    return Role(access.role).label.lower() if access.role else "looking on"
