"""Events of the audit log with what they are about: the job's kind and template."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs_app.models import Job
from jobs_app.states import Kind
from pdfservice.teams.models import AuditEventQuerySet


@dataclass(frozen=True, slots=True)
class Label:
    """What a job is, as far as figures tell jobs apart."""

    kind: str
    template: str
    priority: int


@dataclass(frozen=True, slots=True)
class Happening:
    """One event; `label` is None where it is about no job, or about one that has left the table."""

    id: int
    at: datetime
    team_id: int | None
    action: str
    subject_type: str
    subject_id: uuid.UUID | None
    data: dict[str, Any]
    label: Label | None

    @property
    def is_shown(self) -> bool:
        """Whether it is about a document that somebody asked for, or a batch; expanding one is our own business."""
        if self.subject_type == "batch":
            return True
        return self.label is not None and self.label.kind != Kind.EXPAND


def labels_of(subjects: Iterable[uuid.UUID]) -> dict[uuid.UUID, Label]:
    """Return the labels of jobs, in one query."""
    rows = Job.objects.filter(external_id__in=list(subjects)).values_list(
        "external_id", "kind", "template_version__template__slug", "priority"
    )
    return {job: Label(kind, slug or "", priority) for job, kind, slug, priority in rows}


def happenings(events: AuditEventQuerySet) -> list[Happening]:
    """Read `events` with their labels, in two queries."""
    return labelled(rows_of(events), {})


Row = tuple[int, datetime, int | None, str, str, uuid.UUID | None, dict[str, Any]]


def rows_of(events: AuditEventQuerySet) -> list[Row]:
    """Read the columns that a happening is made of."""
    return list(events.values_list("pk", "at", "team_id", "action", "subject_type", "subject_id", "data"))


def labelled(rows: Sequence[Row], known: dict[uuid.UUID, Label]) -> list[Happening]:
    """Return rows as happenings; labels that are not `known` yet are looked up and added to it."""
    unknown = {subject for *_, kind, subject, _ in rows if kind == "job" and subject and subject not in known}
    if unknown:
        known.update(labels_of(unknown))
    return [Happening(*row, known.get(row[5]) if row[5] else None) for row in rows]
