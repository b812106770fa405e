"""Settings of the queue that make no sense together."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, register
from django.core.checks import Warning as CheckWarning


@register()
def queue_limits_fit(**_: Any) -> list[CheckMessage]:
    """Warn when the service's limit makes the teams' limit meaningless."""
    if settings.MAX_QUEUED <= settings.MAX_QUEUED_TOTAL:
        return []
    return [
        CheckWarning(
            f"MAX_QUEUED is {settings.MAX_QUEUED}, more than MAX_QUEUED_TOTAL, {settings.MAX_QUEUED_TOTAL}: "
            "one team can fill the queue for everybody.",
            hint="Set MAX_QUEUED_TOTAL to several times MAX_QUEUED.",
            id="jobs_app.W001",
        )
    ]
