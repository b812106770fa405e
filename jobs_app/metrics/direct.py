"""Counters of what leaves no audit event."""

from __future__ import annotations

from django.db.models import F

from jobs_app.metrics.names import Total, label_text
from jobs_app.models import Counter


def count(total: Total, **labels: str) -> None:
    """Add one to a counter, in the caller's transaction."""
    row = Counter.objects.filter(name=total.name, labels=label_text(labels))
    if not row.update(value=F("value") + 1):
        Counter.objects.bulk_create([Counter(name=total.name, labels=label_text(labels))], ignore_conflicts=True)
        row.update(value=F("value") + 1)
