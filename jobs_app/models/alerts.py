"""Alerts on their way to the people who look after the service."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import models
from django.db.models.functions import Now


class AlertQuerySet(models.QuerySet["Alert"]):
    """Reads of alerts."""

    def quiet_since(self, moment: datetime) -> AlertQuerySet:
        """Return those that have not been raised since `moment`."""
        return self.filter(models.Q(raised_at=None) | models.Q(raised_at__lte=moment))

    def owed(self, channels: Iterable[str]) -> AlertQuerySet:
        """Return those of the last day that have not gone out by one of `channels` and may be tried now."""
        fresh = self.filter(raised_at__gt=Now() - timedelta(days=1), channel__in=channels)
        return fresh.filter(sent_at=None, next_try_at__lte=Now())


class Alert(models.Model):
    """The last alert of a kind on one channel, and whether it has gone out."""

    kind = models.CharField(max_length=30)
    channel = models.CharField(max_length=20)
    raised_at = models.DateTimeField(null=True)
    subject = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)
    next_try_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "channel"], name="alert_once_per_channel"),
            models.CheckConstraint(
                condition=models.Q(raised_at=None) | models.Q(next_try_at__isnull=False), name="alert_raised_is_tried"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.channel}"
