"""Jobs, attempts, batches of them, idempotency keys, counters, figures, workers, archive files, alerts, webhooks."""

from jobs_app.models.alerts import Alert
from jobs_app.models.archive import ArchiveFile, ArchiveKind
from jobs_app.models.attempts import JobAttempt
from jobs_app.models.batches import Batch, BatchItem
from jobs_app.models.figures import MinuteFigures, WorkerPresence
from jobs_app.models.idempotency import IdempotencyRecord
from jobs_app.models.jobs import Job, JobQuerySet
from jobs_app.models.metrics import Counter, FoldMark
from jobs_app.models.webhooks import DeliveryStatus, WebhookDelivery, WebhookEndpoint

__all__ = [
    "Alert",
    "ArchiveFile",
    "ArchiveKind",
    "Batch",
    "BatchItem",
    "Counter",
    "DeliveryStatus",
    "FoldMark",
    "IdempotencyRecord",
    "Job",
    "JobAttempt",
    "JobQuerySet",
    "MinuteFigures",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WorkerPresence",
]
