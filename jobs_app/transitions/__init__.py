"""Every arrow between two states of a job, and nothing else writes `Job.status`.

    queued ──claim──► processing ──complete──► done ──expire──► expired
      ▲  └─cancel─► cancelled ◄──┤  └──fail──► failed
      ├── release, retry, rescue ┘               │
      └──────────────── revive ──────────────────┘ (from failed and cancelled)

Each is one UPDATE, guarded by the state it leaves, plus one audit event, in one transaction. No row updated means that
somebody was first: the function says False, or None, and nothing happened.
"""

from jobs_app.transitions.archiving import depart
from jobs_app.transitions.erasing import kept_options, kept_places
from jobs_app.transitions.holding import (
    claim,
    complete,
    drop,
    fail,
    is_cancel_requested,
    postpone,
    release,
    renew,
    retry,
)
from jobs_app.transitions.keeping import erase, expire, rescue
from jobs_app.transitions.rows import ATTEMPTS
from jobs_app.transitions.waiting import cancel, enqueue, promote_due, request_cancel, revive

__all__ = [
    "ATTEMPTS",
    "cancel",
    "claim",
    "complete",
    "depart",
    "drop",
    "enqueue",
    "erase",
    "expire",
    "fail",
    "is_cancel_requested",
    "kept_options",
    "kept_places",
    "postpone",
    "promote_due",
    "release",
    "renew",
    "request_cancel",
    "rescue",
    "retry",
    "revive",
]
