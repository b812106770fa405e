"""The secret that an endpoint's messages are signed with: shown once, kept sealed."""

from __future__ import annotations

import secrets
from base64 import b64encode
from uuid import UUID

from pdfservice.lib.sealed import seal, unseal

_BYTES = 32


def new_secret() -> str:
    """Return a secret in the form of Standard Webhooks."""
    return "whsec_" + b64encode(secrets.token_bytes(_BYTES)).decode()


def sealed(secret: str, endpoint_id: UUID) -> str:
    """Return a secret as it is kept: it opens for this endpoint alone."""
    return seal(secret, purpose=_purpose(endpoint_id))


def opened(text: str, endpoint_id: UUID) -> str:
    """Return a secret that was sealed for this endpoint; raise SealBroken."""
    return unseal(text, purpose=_purpose(endpoint_id))


def _purpose(endpoint_id: UUID) -> str:
    return f"webhook {endpoint_id}"
