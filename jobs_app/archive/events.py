"""Old audit events leave the database; the addresses of those who used links are not kept for longer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from jobs_app.archive import files
from jobs_app.metrics import fold
from jobs_app.models import ArchiveKind
from pdfservice.teams import audit
from pdfservice.teams.models import AuditEvent

FILES_A_PASS = 10
_PERSONAL = frozenset({"address", "agent"})


def archive_events() -> int:
    """Move the audit events older than AUDIT_KEEP_DAYS into files, and return how many those were."""
    before = timezone.now() - timedelta(days=settings.AUDIT_KEEP_DAYS)
    moved = 0
    for _ in range(FILES_A_PASS):
        # By id, from the oldest: the log has no index on time, and does not need one for this. What is not in the
        # counters of /metrics yet has to stay.
        oldest = AuditEvent.objects.filter(pk__lte=fold.folded_to()).select_related("team").order_by("id")
        events = [event for event in oldest[: files.ROWS_A_FILE] if event.at < before]
        if not files.is_due(ArchiveKind.AUDIT, len(events)):
            break
        ids = [event.pk for event in events]

        def delete(ids: list[int] = ids) -> None:
            if audit.prune(ids=ids, before=before) != len(ids):
                raise files.RowsChanged("another loop was faster")

        rows = [describe(event) for event in events]
        if files.move(ArchiveKind.AUDIT, rows, [event.at for event in events], delete):
            moved += len(events)
    return moved


def describe(event: AuditEvent) -> dict[str, Any]:
    """Return an audit event as one line of an archive."""
    return {
        "v": 1,
        "id": event.pk,
        "at": event.at.isoformat(),
        "team": event.team.slug if event.team else None,
        "actor": event.actor,
        "action": event.action,
        "subject_type": event.subject_type,
        "subject_id": str(event.subject_id) if event.subject_id else None,
        "data": {name: value for name, value in event.data.items() if name not in _PERSONAL},
    }
