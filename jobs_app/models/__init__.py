"""Jobs, their attempts, and what callers' idempotency keys stand for."""

from jobs_app.models.idempotency import IdempotencyRecord
from jobs_app.models.jobs import Job, JobAttempt, JobQuerySet

__all__ = ["IdempotencyRecord", "Job", "JobAttempt", "JobQuerySet"]
