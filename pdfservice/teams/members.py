"""Who is in a team, and as what. A member signs in to the admin, so being one makes a user staff."""

from __future__ import annotations

import secrets

from django.db import transaction

from pdfservice.lib.errors import Fault, ServiceError, conflict
from pdfservice.teams import audit
from pdfservice.teams.models import Membership, Team, User
from pdfservice.teams.scopes import Role


def member_create(*, team: Team, username: str, email: str, role: Role, actor: str) -> tuple[Membership, str]:
    """Make a login that is in `team`; return the membership and the password, which is shown now and never again.

    Raises ServiceError (409) for a name that is taken: whoever has it is let into another team by a superuser.
    """
    if User.objects.filter(username__iexact=username).exists():
        message = "This user name is taken. A superuser can let somebody who has a login into another team."
        raise ServiceError(409, "username_taken", message, [Fault("/username", message)])
    password = secrets.token_urlsafe(12)
    with transaction.atomic():
        user = User.objects.create_user(username=username, email=email, password=password)
        membership = member_add(team=team, user=user, role=role, actor=actor)
    return membership, password


def member_add(*, team: Team, user: User, role: Role, actor: str) -> Membership:
    """Let a user who has a login into a team; raise ServiceError (409) for one who is in it."""
    with transaction.atomic():
        membership, is_new = Membership.objects.get_or_create(team=team, user=user, defaults={"role": role})
        if not is_new:
            raise conflict(f"{user} is in {team} already.", "member_already")
        User.objects.filter(pk=user.pk, is_staff=False).update(is_staff=True)
        _record(membership, "member.added", actor)
    return membership


def member_set_role(*, membership: Membership, role: Role, actor: str) -> None:
    """Give a member another role; raise ServiceError (409) where the team would have no admin left."""
    with transaction.atomic():
        before = _lock(membership).role
        if before == role:
            return
        if role != Role.ADMIN:
            _keep_an_admin(membership)
        Membership.objects.filter(pk=membership.pk).update(role=role)
        membership.role = role
        _record(membership, "member.changed", actor)


def member_remove(*, membership: Membership, actor: str) -> None:
    """Take somebody out of a team; raise ServiceError (409) where the team would have no admin left."""
    with transaction.atomic():
        _lock(membership)
        _keep_an_admin(membership)
        _record(membership, "member.removed", actor)
        Membership.objects.filter(pk=membership.pk).delete()


def _lock(membership: Membership) -> Membership:
    """Hold the team, so that two admins cannot take each other out at once; return the member as it is now."""
    Team.objects.select_for_update().get(pk=membership.team_id)
    return Membership.objects.get(pk=membership.pk)


def _keep_an_admin(membership: Membership) -> None:
    others = Membership.objects.filter(team=membership.team_id, role=Role.ADMIN).exclude(pk=membership.pk)
    if not others.exists():
        raise conflict("A team keeps an admin; make somebody else one first.", "last_admin")


def _record(membership: Membership, action: str, actor: str) -> None:
    audit.record(
        team_id=membership.team_id,
        actor=actor,
        action=action,
        subject_type="member",
        subject_id=None,
        data={"user": membership.user.get_username(), "role": membership.role},
    )
