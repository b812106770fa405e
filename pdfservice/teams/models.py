"""Teams, the people and programs in them, and the append-only record of what happened."""

from __future__ import annotations

import uuid
from typing import Any, NoReturn

from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from pdfservice.teams.scopes import Role, Scope

_is_colour = RegexValidator(r"\A#[0-9a-fA-F]{6}\Z", "A colour is # and six hexadecimal digits, such as #2456d6.")


class User(AbstractUser):
    """A person who signs in. What they may do hangs on their memberships."""


class Team(models.Model):
    """The border of everything: no object of one team is ever shown to another."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    retention_days = models.PositiveIntegerField(
        null=True, blank=True, default=7, help_text="Days until an output expires; empty keeps it."
    )
    max_queued = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many jobs may wait; empty takes the service's default."
    )
    requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text="How often each key may call; empty takes the service's default."
    )
    # How it looks to those who get its documents (pdfservice/teams/brand.py).
    brand_name = models.CharField(
        max_length=100, blank=True, help_text="What those who get documents know the team by; empty takes its name."
    )
    brand_color = models.CharField(
        max_length=7, blank=True, validators=[_is_colour], help_text="#rrggbb; empty takes the service's own."
    )
    logo_key = models.CharField(max_length=200, blank=True, editable=False)
    logo_content_type = models.CharField(max_length=40, blank=True, editable=False)
    logo_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name

    @property
    def public_name(self) -> str:
        """What those who get its documents know it by."""
        return self.brand_name or self.name


class Membership(models.Model):
    """A user's role in a team."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "team"], name="membership_once_per_team"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team} ({self.role})"


class ApiKey(models.Model):
    """A program's way in. Only the hash of its secret is kept; the prefix tells keys apart in lists and logs."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=8, unique=True, editable=False)
    secret_hash = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        ordering = ["team", "name"]

    def __str__(self) -> str:
        return f"{self.name} (pdf_{self.prefix}_…)"

    def granted(self) -> frozenset[Scope]:
        """Return the scopes as such; a name that this version no longer knows grants nothing."""
        return frozenset(Scope(name) for name in self.scopes if name in Scope._value2member_map_)


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Reads of the audit log; it refuses to be rewritten."""

    def for_team(self, team: Team) -> AuditEventQuerySet:
        """Return the events of `team`."""
        return self.filter(team=team)

    def about(self, subject_id: uuid.UUID) -> AuditEventQuerySet:
        """Return the events of one subject, oldest first."""
        return self.filter(subject_id=subject_id).order_by("id")

    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise TypeError("Audit events are append-only.")

    def delete(self) -> NoReturn:
        """Refuse; pdfservice.teams.audit.prune is the one way out."""
        raise TypeError("Audit events are append-only.")


class AuditEvent(models.Model):
    """One thing that happened. Rows are added in the transaction of what they tell, and never changed."""

    at = models.DateTimeField(default=timezone.now)
    # None for what happened to the service as a whole: no team's members see it.
    # `audit_by_team` begins with it.
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="audit_events", db_index=False)
    actor = models.CharField(max_length=200, help_text="user:NAME, key:PREFIX, worker:NAME, link or maintain")
    action = models.CharField(max_length=50)
    subject_type = models.CharField(max_length=30)
    subject_id = models.UUIDField(null=True)
    data = models.JSONField(default=dict)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["team", "id"], name="audit_by_team"),
            models.Index(fields=["subject_id", "id"], name="audit_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; refuse to change a row that is there."""
        if not self._state.adding:
            raise TypeError("Audit events are append-only.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise TypeError("Audit events are append-only.")


class AuditPruning(models.Model):
    """The door through which old audit events leave: while its row is there, a trigger lets go of events before it.

    The row never outlives the transaction that made it, so that nobody else ever sees the door open.
    """

    before = models.DateTimeField()

    def __str__(self) -> str:
        return f"before {self.before}"
