"""The states of a job, of an attempt and of a batch."""

from django.db import models


class Status(models.TextChoices):
    """Where a job stands; jobs_app/transitions/ draws the arrows."""

    QUEUED = "queued"
    PROCESSING = "processing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


FINAL = (Status.DONE, Status.FAILED, Status.CANCELLED, Status.EXPIRED)
UNDER_WAY = (Status.QUEUED, Status.PROCESSING)


class Kind(models.TextChoices):
    """What a job does; each kind has one file in jobs_app/handlers/."""

    RENDER = "render"
    EXPAND = "expand"
    BUNDLE = "bundle"


class Outcome(models.TextChoices):
    """How an attempt ended: `retry` will be tried again, `released` was given back unspent, `lost` never came back."""

    RUNNING = "running"
    DONE = "done"
    RETRY = "retry"
    FAILED = "failed"
    RELEASED = "released"
    LOST = "lost"
    CANCELLED = "cancelled"


class BatchStatus(models.TextChoices):
    """Where a batch stands: queued until a worker expands it, done when all items ended and one of them is done."""

    QUEUED = "queued"
    PROCESSING = "processing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


BATCH_OPEN = (BatchStatus.QUEUED, BatchStatus.PROCESSING)


class OutputMode(models.TextChoices):
    """What a batch makes: a document an item, or one file of them all."""

    SEPARATE = "separate"
    ZIP = "zip"
    MERGED = "merged"


class SourceFormat(models.TextChoices):
    """How the items of a batch are written down: one JSON object a line, in two forms, or rows of a table."""

    ITEMS = "items"
    JSON_LINES = "jsonl"
    CSV = "csv"
