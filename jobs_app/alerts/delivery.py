"""Alerts go out: outside transactions, in a thread of their own, again each minute until they were taken."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

from django.db import Error, connection
from django.db.models.functions import Now

from jobs_app.alerts.channels import CHANNELS, Message, NotSent, configured
from jobs_app.models import Alert

logger = logging.getLogger(__name__)

# Longer than a channel's own limits together, so that a try is over before somebody makes the next.
_NEXT_TRY_AFTER = timedelta(seconds=90)
_thread: threading.Thread | None = None


def start() -> int:
    """Send what is owed without waiting for it: a mail server that hangs must not hold up a rescue.

    Returns how many alerts were owed.
    """
    global _thread  # noqa: PLW0603  # one thread in each maintain process
    owed = Alert.objects.owed(configured()).count()
    if owed and (_thread is None or not _thread.is_alive()):
        _thread = threading.Thread(target=_send_and_close, name="alerts", daemon=True)
        _thread.start()
    return owed


def finish(timeout_seconds: float = 60) -> None:
    """Wait for what is being sent."""
    if _thread is not None:
        _thread.join(timeout_seconds)


def send_owed() -> int:
    """Send what is owed and return how many were taken."""
    return sum(_send(alert) for alert in Alert.objects.owed(configured()))


def _send_and_close() -> None:
    try:
        send_owed()
    except Error as error:
        logger.error("Alerts wait: the database is away: %s", error)
    except Exception:
        logger.exception("Alerts wait: sending them failed.")
    finally:
        connection.close()


def _send(alert: Alert) -> bool:
    if not Alert.objects.owed(configured()).filter(pk=alert.pk).update(next_try_at=Now() + _NEXT_TRY_AFTER):
        return False  # another loop is at it
    try:
        CHANNELS[alert.channel](Message(alert.subject, alert.text))
    except NotSent as error:
        logger.error("An alert could not be sent by %s, trying again later: %s", alert.channel, error)
        return False
    return bool(Alert.objects.filter(pk=alert.pk, raised_at=alert.raised_at).update(sent_at=Now()))
