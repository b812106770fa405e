"""Every arrow between two states of a job or of a batch, and nothing else writes `Job.status` or `Batch.status`.

    queued ──claim──► processing ──complete──► done ──expire──► expired
      ▲  └─cancel─► cancelled ◄──┤  └──fail──► failed
      ├── release, retry, rescue ┘               │
      └──────────────── revive ──────────────────┘ (from failed and cancelled)

Each is one UPDATE, guarded by the state it leaves, plus one audit event, in one transaction. No row updated means that
somebody was first: the function says False, or None, and nothing happened.
"""

from jobs_app.transitions.archiving import depart
from jobs_app.transitions.batches import (
    batch_accept,
    batch_bundle,
    batch_cancelled,
    batch_done,
    batch_expanded,
    batch_failed,
    batch_forget,
    batch_hold,
    batch_reopen,
    batch_request_cancel,
    batch_start,
)
from jobs_app.transitions.erasing import kept_options, kept_places
from jobs_app.transitions.holding import (
    claim,
    complete,
    conclude,
    drop,
    fail,
    is_cancel_requested,
    mark_spooled,
    postpone,
    release,
    renew,
    retry,
)
from jobs_app.transitions.keeping import erase, expire, rescue
from jobs_app.transitions.many import cancel_many, enqueue_many, revive_many
from jobs_app.transitions.rows import ATTEMPTS, held
from jobs_app.transitions.waiting import cancel, enqueue, promote_due, request_cancel, revive

__all__ = [
    "ATTEMPTS",
    "batch_accept",
    "batch_bundle",
    "batch_cancelled",
    "batch_done",
    "batch_expanded",
    "batch_failed",
    "batch_forget",
    "batch_hold",
    "batch_reopen",
    "batch_request_cancel",
    "batch_start",
    "cancel",
    "cancel_many",
    "claim",
    "complete",
    "conclude",
    "depart",
    "drop",
    "enqueue",
    "enqueue_many",
    "erase",
    "expire",
    "fail",
    "held",
    "is_cancel_requested",
    "kept_options",
    "kept_places",
    "mark_spooled",
    "postpone",
    "promote_due",
    "release",
    "renew",
    "request_cancel",
    "rescue",
    "retry",
    "revive",
    "revive_many",
]
