"""The ways to the people who look after the service. To add one, add a function and its line in CHANNELS."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMessage

from pdfservice.lib.outbound import OutboundFailed, OutboundRefused, Reach, post

logger = logging.getLogger(__name__)

# A blank line ends a header, and Slack's own limit is higher.
_MOST_CHARACTERS = 4000


class NotSent(Exception):
    """The other side did not take it; later it may. The reason names no secret: a webhook's address is one."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is told."""

    subject: str
    text: str


def write_to_log(message: Message) -> None:
    """Log it, for those who watch the log and nothing else."""
    logger.error("%s: %s", message.subject, " ".join(message.text.split()))


def send_mail(message: Message) -> None:
    """Send one mail to all of ALERT_EMAILS. Raises NotSent."""
    try:
        EmailMessage(message.subject, message.text, to=settings.ALERT_EMAILS).send()
    except OSError as error:  # SMTPException is one
        raise NotSent(f"{type(error).__name__}: {error}") from error


def post_to_webhook(message: Message) -> None:
    """Post it to ALERT_WEBHOOK_URL in the shape that Slack and its kin accept. Raises NotSent."""
    body = json.dumps({"text": f"*{message.subject}*\n{message.text}"[:_MOST_CHARACTERS]}).encode()
    headers = {"Content-Type": "application/json"}
    try:
        # The address is the operator's own: it may well lead inside.
        answer = post(settings.ALERT_WEBHOOK_URL, body, headers=headers, reach=Reach(anywhere=True))
    except (OutboundFailed, OutboundRefused) as error:
        raise NotSent(f"the webhook did not answer: {error}") from None
    if not 200 <= answer.status < 300:
        raise NotSent(f"the webhook answered {answer.status}")


Channel = Callable[[Message], None]
CHANNELS: dict[str, Channel] = {"log": write_to_log, "email": send_mail, "webhook": post_to_webhook}


def configured() -> dict[str, Channel]:
    """Return the channels that the settings open."""
    is_open = {"log": True, "email": bool(settings.ALERT_EMAILS), "webhook": bool(settings.ALERT_WEBHOOK_URL)}
    return {name: channel for name, channel in CHANNELS.items() if is_open[name]}
