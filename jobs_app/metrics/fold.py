"""The audit log becomes counters: each event once, whoever folds, and what is archived later stays counted."""

from __future__ import annotations

import uuid
from collections import Counter as Tally
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from jobs_app.metrics.tally import Sums, add_event
from jobs_app.models import Counter, FoldMark, Job
from pdfservice.teams.models import AuditEvent

_LOG = "audit"
# No transaction of ours that appends events lasts so long; one that did would go uncounted.
SETTLED_AFTER = timedelta(seconds=10)
AT_ONCE = 2000
_STRETCHES = 5


def fold(*, settled_after: timedelta = SETTLED_AFTER) -> int:
    """Fold what has settled since the last time, at most some thousand events, and return how many that was."""
    folded = 0
    for _ in range(_STRETCHES):
        stretch = _fold_stretch(settled_after)
        folded += stretch
        if stretch < AT_ONCE:
            break
    return folded


def folded_to() -> int:
    """Return up to which id the audit log's events are in the counters."""
    return FoldMark.objects.filter(log=_LOG).values_list("folded_to", flat=True).first() or 0


def _fold_stretch(settled_after: timedelta) -> int:
    FoldMark.objects.get_or_create(log=_LOG, defaults={"seen_at": Now()})
    settled = FoldMark.objects.filter(log=_LOG, seen_at__lte=Now() - settled_after)
    if not settled.exists():
        return 0
    with transaction.atomic():
        # Whoever holds the row folds; the others have nothing to do.
        mark = settled.select_for_update(skip_locked=True).first()
        if mark is None:
            return 0
        rows = AuditEvent.objects.filter(pk__gt=mark.folded_to, pk__lte=mark.next_to).order_by("pk")[:AT_ONCE]
        events = list(rows.values_list("pk", "action", "subject_type", "subject_id", "data"))
        if len(events) == AT_ONCE:
            FoldMark.objects.filter(pk=mark.pk).update(folded_to=events[-1][0])
        else:
            _look_ahead(mark)
        kinds = _kinds([subject for _, _, of, subject, _ in events if of == "job" and subject])
        sums: Sums = Tally()
        for _, action, _, subject, data in events:
            add_event(sums, action=action, kind=kinds.get(subject, ""), data=data)
        _store(sums)
    return len(events)


def _look_ahead(mark: FoldMark) -> None:
    """Begin the next stretch: it ends with the last event that is there now."""
    last = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    FoldMark.objects.filter(pk=mark.pk).update(folded_to=mark.next_to, next_to=max(mark.next_to, last), seen_at=Now())


def _kinds(subjects: list[uuid.UUID]) -> dict[uuid.UUID | None, str]:
    return dict(Job.objects.filter(external_id__in=subjects).values_list("external_id", "kind"))


def _store(sums: Sums) -> None:
    Counter.objects.bulk_create(
        [Counter(name=name, labels=labels) for name, labels in sorted(sums)], ignore_conflicts=True
    )
    for (name, labels), amount in sorted(sums.items()):
        Counter.objects.filter(name=name, labels=labels).update(value=F("value") + amount)
