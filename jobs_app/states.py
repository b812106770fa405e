"""The states of a job and of an attempt."""

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


class Kind(models.TextChoices):
    """What a job does; each kind has one file in jobs_app/handlers/."""

    RENDER = "render"


class Outcome(models.TextChoices):
    """How an attempt ended: `retry` will be tried again, `released` was given back unspent, `lost` never came back."""

    RUNNING = "running"
    DONE = "done"
    RETRY = "retry"
    FAILED = "failed"
    RELEASED = "released"
    LOST = "lost"
    CANCELLED = "cancelled"
