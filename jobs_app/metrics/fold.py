"""The audit log becomes counters and minutes: each event once, whoever folds; what is archived later stays counted."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from jobs_app.figures import store
from jobs_app.figures.happenings import Happening, happenings
from jobs_app.metrics.names import label_text
from jobs_app.metrics.tally import Sums, add_event
from jobs_app.models import Counter, FoldMark
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
        events = happenings(rows)
        if len(events) == AT_ONCE:
            FoldMark.objects.filter(pk=mark.pk).update(folded_to=events[-1].id)
        else:
            _look_ahead(mark)
        _store(_sums(events))
        store.fold(events)
    return len(events)


def _sums(events: Sequence[Happening]) -> Sums:
    sums: Sums = Tally()
    for event in events:
        add_event(sums, action=event.action, kind=event.label.kind if event.label else "", data=event.data)
        if event.action == "job.done" and event.is_shown:
            sums[store.MADE, label_text({"team": str(event.team_id)})] += 1
    return sums


def _look_ahead(mark: FoldMark) -> None:
    """Begin the next stretch: it ends with the last event that is there now."""
    last = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    FoldMark.objects.filter(pk=mark.pk).update(folded_to=mark.next_to, next_to=max(mark.next_to, last), seen_at=Now())


def _store(sums: Sums) -> None:
    Counter.objects.bulk_create(
        [Counter(name=name, labels=labels) for name, labels in sorted(sums)], ignore_conflicts=True
    )
    for (name, labels), amount in sorted(sums.items()):
        Counter.objects.filter(name=name, labels=labels).update(value=F("value") + amount)
