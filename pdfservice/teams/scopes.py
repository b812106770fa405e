"""What a key or a member may do."""

from __future__ import annotations

from enum import StrEnum

from django.db import models


class Scope(StrEnum):
    """A right that an API key carries by name, and a member by role."""

    JOBS_READ = "jobs:read"
    JOBS_READ_OWN = "jobs:read:own"
    JOBS_WRITE = "jobs:write"
    LINKS_WRITE = "links:write"
    TEMPLATES_READ = "templates:read"
    TEMPLATES_WRITE = "templates:write"
    TEAM_ADMIN = "team:admin"


class Role(models.TextChoices):
    """What a member is in a team."""

    VIEWER = "viewer"
    AUTHOR = "author"
    OPERATOR = "operator"
    ADMIN = "admin"


_VIEWER = frozenset({Scope.JOBS_READ, Scope.TEMPLATES_READ})
ROLE_SCOPES: dict[str, frozenset[Scope]] = {
    Role.VIEWER: _VIEWER,
    Role.AUTHOR: _VIEWER | {Scope.TEMPLATES_WRITE},
    Role.OPERATOR: _VIEWER | {Scope.JOBS_WRITE, Scope.LINKS_WRITE},
    Role.ADMIN: frozenset(Scope) - {Scope.JOBS_READ_OWN},
}
# What a key gets that is made without naming scopes: everything a program needs to make and hand out documents.
PROGRAM_SCOPES = (Scope.JOBS_READ, Scope.JOBS_WRITE, Scope.LINKS_WRITE, Scope.TEMPLATES_READ)
