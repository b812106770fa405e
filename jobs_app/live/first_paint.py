"""The dashboard as the server paints it: the numbers of this moment, and where the socket goes on from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from jobs_app.figures.happenings import Happening, happenings
from jobs_app.live.access import Access
from jobs_app.live.board import COUNT_EVERY_SECONDS, board
from jobs_app.live.shapes import MINUTE, View, event_of, team_names
from jobs_app.models import Job
from jobs_app.states import Kind, Status
from pdfservice.teams.models import AuditEvent, Team
from templates_app.models import Template

_READ_EVENTS = 240
SHOWN_DEAD = 20


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that failed for good."""

    job: UUID
    template: str
    team: str
    code: str
    message: str
    finished_at: datetime | None
    can_retry: bool


@dataclass(frozen=True, slots=True)
class Painted:
    """A dashboard at one moment."""

    view: View
    events: Sequence[Mapping[str, Any]]
    dead: Sequence[DeadLetter]
    templates: Sequence[Mapping[str, Any]]
    floor: int

    def start(self, access: Access) -> dict[str, Any]:
        """Return what the page's script starts from."""
        return {
            "team": access.slug,
            "may_write": access.may_write,
            "view": self.view,
            "columns": MINUTE,
            "events": self.events,
            "floor": self.floor,
            "limit": _limit(access.team),
            "templates": self.templates,
        }


def first_paint(access: Access) -> Painted:
    """Gather what the page shows; a hundred who open it within a second share what is dear in it."""
    board.look(max_age_seconds=COUNT_EVERY_SECONDS)
    # Before the events are read: what comes between is sent again, and the page knows it by its id.
    floor = board.floor
    names = None if access.team else team_names()
    return Painted(
        view=board.view(access.team.pk if access.team else None, is_staff=access.is_staff),
        events=[event_of(each, teams=names) for each in _latest(access.team)],
        dead=_dead(access.team),
        templates=_templates(access.team),
        floor=floor,
    )


def _latest(team: Team | None) -> list[Happening]:
    events = AuditEvent.objects.all() if team is None else AuditEvent.objects.for_team(team)
    read = happenings(events.order_by("-pk")[:_READ_EVENTS])
    return [each for each in reversed(read) if each.is_shown]


def _dead(team: Team | None) -> list[DeadLetter]:
    jobs = Job.objects.filter(status=Status.FAILED).exclude(kind=Kind.EXPAND)
    jobs = jobs if team is None else jobs.for_team(team)
    # By the index on time: a team whose last failure is a month old need not see it here.
    since = timezone.now() - timedelta(days=settings.ARCHIVE_AFTER_DAYS)
    latest = jobs.filter(finished_at__gt=since).order_by("-finished_at")[:SHOWN_DEAD]
    # Not the payload itself, which may be long.
    rows = latest.annotate(can_retry=Exists(Job.objects.repeatable().filter(pk=OuterRef("pk")))).values_list(
        "external_id", "template_version__template__slug", "team__slug", "error_code", "error_message", "finished_at",
        "can_retry",
    )  # fmt: skip
    return [
        DeadLetter(job, slug or "", team_slug, code, message, finished_at, can_retry)
        for job, slug, team_slug, code, message, finished_at, can_retry in rows
    ]


def _templates(team: Team | None) -> list[dict[str, Any]]:
    """Return what may be asked for."""
    if team is None:
        return []
    published = Template.objects.for_team(team).filter(active_version__isnull=False).order_by("slug")
    rows = published.values_list("slug", "name", "active_version__version", "active_version__engine")
    return [{"slug": slug, "name": name, "version": version, "engine": engine} for slug, name, version, engine in rows]


def _limit(team: Team | None) -> int:
    if team is None:
        return int(settings.MAX_QUEUED_TOTAL)
    return int(settings.MAX_QUEUED if team.max_queued is None else team.max_queued)
