"""Jobs, their attempts, what callers' idempotency keys stand for, what is counted, archive files and alerts."""

from jobs_app.models.alerts import Alert
from jobs_app.models.archive import ArchiveFile, ArchiveKind
from jobs_app.models.idempotency import IdempotencyRecord
from jobs_app.models.jobs import Job, JobAttempt, JobQuerySet
from jobs_app.models.metrics import Counter, FoldMark

__all__ = [
    "Alert",
    "ArchiveFile",
    "ArchiveKind",
    "Counter",
    "FoldMark",
    "IdempotencyRecord",
    "Job",
    "JobAttempt",
    "JobQuerySet",
]
