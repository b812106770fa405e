"""What a dashboard shows as plain data: sections of named values, so that only what changed need travel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jobs_app.figures.happenings import Happening
from jobs_app.figures.minutes import Minute
from jobs_app.figures.spread import quantile
from jobs_app.live.counts import Counted, Counts, Task, Worker
from jobs_app.live.hour import Hour
from pdfservice.teams.models import Team

View = dict[str, dict[str, Any]]
# The columns of a minute, and of a template.
MINUTE = ("depth", "accepted", "done", "failed", "wait_p50", "wait_p95", "render_p50", "render_p95")
_SHOWN_DATA = ("code", "waited_ms", "render_ms", "pages", "attempt", "total", "counts", "outcome")


def view_of(
    team_id: int | None,
    *,
    is_staff: bool,
    hour: Hour,
    counted: Counted,
    dead: Counts,
    made: Mapping[int | None, int],
    teams: Mapping[int, str],
) -> View:
    """Return everything for one team, or for all of them."""
    minutes = hour.minutes(team_id)
    lately = hour.lately(team_id)
    claimable, retrying = counted.claimable.get(team_id, 0), counted.retrying.get(team_id, 0)
    return {
        "now": {
            "waiting": claimable + retrying,
            "processing": counted.processing.get(team_id, 0),
            "depth": claimable,
            "retrying": retrying,
            "done": sum(each.done for each in minutes.values()),
            "failed": sum(each.failed for each in minutes.values()),
            "accepted": sum(each.accepted for each in minutes.values()),
            "cancelled": sum(each.cancelled for each in minutes.values()),
            "pages": sum(each.pages for each in minutes.values()),
            "made": made.get(team_id, 0),
            "dead": dead.get(team_id, 0),
            "rate": math.floor(hour.per_minute(team_id) + 0.5),
            "wait_p50": quantile(lately.waits, 0.5),
            "wait_p95": quantile(lately.waits, 0.95),
            "render_p50": quantile(lately.renders, 0.5),
            "render_p95": quantile(lately.renders, 0.95),
        },
        "minutes": {str(number): _minute(each) for number, each in sorted(minutes.items())},
        "templates": {
            slug if team_id else f"{teams.get(team, team)} / {slug}": _template(each)
            for (team, slug), each in hour.templates(team_id).items()
        },
        "workers": {
            each.cluster[-8:]: _worker(each, team_id, number, is_staff=is_staff, teams=teams)
            for number, each in enumerate(counted.workers, 1)
        },
    }


def event_of(happening: Happening, *, teams: Mapping[int, str] | None = None) -> dict[str, Any]:
    """Return an event as the stream shows it; with `teams` it says whose it is."""
    label = happening.label
    shape: dict[str, Any] = {
        "id": happening.id,
        "at": happening.at.isoformat(),
        "action": happening.action,
        "subject": str(happening.subject_id),
        "kind": label.kind if label else happening.subject_type,
        "template": label.template if label else "",
        "priority": label.priority if label else None,
        **{name: happening.data[name] for name in _SHOWN_DATA if happening.data.get(name) is not None},
    }
    if teams is not None:
        shape["team"] = teams.get(happening.team_id or 0, "")
    return shape


def changes(before: View, after: View) -> View:
    """Return what differs; a value that is gone is None."""
    found: View = {}
    for section, values in after.items():
        old = before.get(section, {})
        changed = {name: value for name, value in values.items() if name not in old or old[name] != value}
        changed |= dict.fromkeys(old.keys() - values.keys())
        if changed:
            found[section] = changed
    return found


def team_names() -> dict[int, str]:
    """Return every team's slug."""
    return dict(Team.objects.values_list("pk", "slug"))


def _minute(minute: Minute) -> list[int | None]:
    times = [quantile(spread, share) for spread in (minute.waits, minute.renders) for share in (0.5, 0.95)]
    return [minute.depth, minute.accepted, minute.done, minute.failed, *times]


def _template(hour: Minute) -> dict[str, int | None]:
    return {
        "accepted": hour.accepted,
        "done": hour.done,
        "failed": hour.failed,
        "pages": hour.pages,
        "render_p50": quantile(hour.renders, 0.5),
        "render_p95": quantile(hour.renders, 0.95),
    }


def _worker(
    worker: Worker, team_id: int | None, number: int, *, is_staff: bool, teams: Mapping[int, str]
) -> dict[str, Any]:
    return {
        # Where workers run is for those who run the service.
        "name": f"{worker.host} · {worker.cluster[-8:]}" if is_staff else f"Worker {number}",
        "since": _text(worker.started_at),
        "memory_mb": round(worker.memory_kb / 1024),
        "task": _task(worker.task, team_id, teams),
    }


def _task(task: Task | None, team_id: int | None, teams: Mapping[int, str]) -> dict[str, Any] | None:
    if task is None:
        return None
    if team_id not in (None, task.team_id):
        return {"is_other": True}  # whose, and what, is not this team's business
    return {
        "job": str(task.job),
        "kind": task.kind,
        "template": task.template or "",
        "team": teams.get(task.team_id, "") if team_id is None else "",
        "since": _text(task.started_at),
        "attempt": task.attempt,
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
