"""More dead letters within an hour than somebody should sleep through."""

from __future__ import annotations

from collections import Counter as Tally
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from jobs_app.alerts.channels import Message, configured
from jobs_app.models import Alert, Job
from jobs_app.states import Status
from pdfservice.teams import audit

KIND = "dead_letters"
WITHIN = timedelta(hours=1)
_LOOK_AT_MOST = 5000
_NAME_AT_MOST = 5


def raise_if_many() -> int:
    """Raise the alert on each channel that has not had it within the hour, and return on how many."""
    now = timezone.now()
    threshold = settings.ALERT_DEAD_LETTERS_PER_HOUR
    dead = Job.objects.filter(status=Status.FAILED, finished_at__gt=now - WITHIN)
    if dead[: threshold + 1].count() <= threshold:
        return 0
    known = {alert.channel: alert for alert in Alert.objects.filter(kind=KIND)}
    quiet = [name for name in configured() if name not in known or _is_quiet(known[name], now)]
    return _raise(quiet, now) if quiet else 0


def _is_quiet(alert: Alert, now: datetime) -> bool:
    return alert.raised_at is None or alert.raised_at <= now - WITHIN


def _raise(channels: list[str], now: datetime) -> int:
    message = describe(now)
    Alert.objects.bulk_create([Alert(kind=KIND, channel=channel) for channel in channels], ignore_conflicts=True)
    # The guard is in the WHERE: of any number of loops, one raises it.
    quiet = Alert.objects.quiet_since(now - WITHIN).filter(kind=KIND, channel__in=channels)
    with transaction.atomic():
        raised = quiet.update(
            raised_at=now, subject=message.subject, text=message.text, next_try_at=Now(), sent_at=None
        )
        if raised:
            data = {"channels": channels, "text": message.text}
            audit.record(
                team_id=None,
                actor="maintain",
                action=f"alert.{KIND}",
                subject_type="alert",
                subject_id=None,
                data=data,
            )
    return raised


def describe(now: datetime) -> Message:
    """Return what to tell: how many, the most frequent codes and templates, and where to look. No payloads."""
    dead = Job.objects.filter(status=Status.FAILED, finished_at__gt=now - WITHIN).order_by("-finished_at")
    rows = list(
        dead.values_list("error_code", "team__slug", "template_version__template__slug", "kind")[:_LOOK_AT_MOST]
    )
    many = f"{len(rows):,}{' or more' if len(rows) == _LOOK_AT_MOST else ''}"
    codes = Tally(code for code, *_ in rows)
    templates = Tally(f"{team}/{template or kind}" for _, team, template, kind in rows)
    address = settings.PUBLIC_URL + reverse("admin:jobs_app_job_changelist") + f"?status__exact={Status.FAILED.value}"
    return Message(
        subject=f"{many} PDF jobs failed for good within an hour",
        text=f"An alert comes with more than {settings.ALERT_DEAD_LETTERS_PER_HOUR} an hour.\n\n"
        f"Errors: {_most(codes)}\nTemplates: {_most(templates)}\n\n{address}\n",
    )


def _most(tally: Tally[str]) -> str:
    return ", ".join(f"{name} ({count:,})" for name, count in tally.most_common(_NAME_AT_MOST))
