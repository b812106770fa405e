"""`manage.py send_test_alert`"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from jobs_app.alerts.channels import Message, NotSent, configured


class Command(BaseCommand):
    """A try of the alert settings, before they are needed."""

    help = "Send a test alert to ALERT_EMAILS and ALERT_WEBHOOK_URL now, and say what came of it."

    def handle(self, *args: Any, **options: Any) -> None:
        """Send by each channel; fail when one did not take it, or when there is none."""
        channels = {name: channel for name, channel in configured().items() if name != "log"}
        if not channels:
            raise CommandError("Neither ALERT_EMAILS nor ALERT_WEBHOOK_URL is set.")
        message = Message("Test alert of the PDF service", f"Alerts of {settings.PUBLIC_URL} arrive here.")
        failed = []
        for name, send in channels.items():
            try:
                send(message)
            except NotSent as error:
                failed.append(f"{name}: {error}")
            else:
                self.stdout.write(f"{name}: sent")
        if failed:
            raise CommandError("; ".join(failed))
