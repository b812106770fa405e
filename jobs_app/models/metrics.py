"""Counters that outlive what they counted, and how far the audit log has gone into them."""

from __future__ import annotations

from django.db import models


class Counter(models.Model):
    """One number of /metrics that only grows. `labels` is JSON with sorted keys."""

    name = models.CharField(max_length=60)
    labels = models.CharField(max_length=200)
    value = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "labels"], name="counter_once_per_labels")]

    def __str__(self) -> str:
        return f"{self.name}{self.labels} {self.value}"


class FoldMark(models.Model):
    """How far a log was folded into counters: up to `folded_to`.

    The next stretch ends at `next_to`, which was the last row at `seen_at`. It is folded some seconds later: PostgreSQL
    gives out ids before rows are visible, and by then every transaction that got a lower id has ended.
    """

    log = models.CharField(max_length=30, unique=True)
    folded_to = models.BigIntegerField(default=0)
    next_to = models.BigIntegerField(default=0)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.log} up to {self.folded_to}"
