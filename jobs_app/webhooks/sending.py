"""One try: sign the message, post it, and say what came of it. Writes nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus

from django.conf import settings
from django.utils import timezone
from standardwebhooks import Webhook

from jobs_app.models import WebhookDelivery, WebhookEndpoint
from jobs_app.webhooks.secrets import opened
from pdfservice.lib.outbound import Answer, OutboundFailed, OutboundRefused, Reach, post
from pdfservice.lib.sealed import SealBroken

_BODY_CHARACTERS = 1000
_AGENT = "pdfservice-webhooks/1"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a try. `error` says why there was no answer, or that it was none that takes the message."""

    is_taken: bool
    duration_ms: int
    response_status: int | None = None
    response_body: str = ""
    error: str = ""
    retry_after_s: int | None = None

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants nothing any more."""
        return self.response_status == HTTPStatus.GONE


def send(delivery: WebhookDelivery) -> Outcome:
    """Post a delivery to its endpoint."""
    begun = time.monotonic()
    try:
        headers = signed_headers(delivery)
        reach = Reach(networks=settings.WEBHOOK_ALLOWED_NETWORKS)
        answer = post(delivery.endpoint.url, delivery.body.encode(), headers=headers, reach=reach)
    except SealBroken:
        return _no_answer("the secret cannot be opened: SECRET_KEY was changed", begun)
    except (OutboundRefused, OutboundFailed) as error:
        return _no_answer(str(error), begun)
    return _judge(answer, begun)


def signed_headers(delivery: WebhookDelivery) -> dict[str, str]:
    """Return the headers of Standard Webhooks, signed with the endpoint's secret and the one before it."""
    now = timezone.now()
    message_id = str(delivery.external_id)
    signatures = [Webhook(secret).sign(message_id, now, delivery.body) for secret in _secrets(delivery.endpoint)]
    return {
        "Content-Type": "application/json",
        "User-Agent": _AGENT,
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _secrets(endpoint: WebhookEndpoint) -> list[str]:
    kept = [endpoint.secret_sealed]
    if endpoint.former_secret_until is not None and endpoint.former_secret_until > timezone.now():
        kept.append(endpoint.former_secret_sealed)
    return [opened(text, endpoint.external_id) for text in kept]


def _judge(answer: Answer, begun: float) -> Outcome:
    is_taken = 200 <= answer.status < 300
    return Outcome(
        is_taken=is_taken,
        duration_ms=_since(begun),
        response_status=answer.status,
        response_body=_readable(answer.body),
        error="" if is_taken else f"the receiver answered {answer.status}",
        retry_after_s=answer.retry_after_s,
    )


def _no_answer(error: str, begun: float) -> Outcome:
    return Outcome(is_taken=False, duration_ms=_since(begun), error=error[:300])


def _readable(body: bytes) -> str:
    text = body.decode(errors="replace")
    return "".join(character for character in text if character.isprintable() or character in "\n\t")[:_BODY_CHARACTERS]


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
