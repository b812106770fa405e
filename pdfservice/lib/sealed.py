"""Secrets that we have to use again, and therefore keep encrypted instead of hashed.

AES-256-GCM under a key that HKDF derives from SECRET_KEY for one purpose: what was sealed for one row or one column
opens for no other. SECRET_KEY_FALLBACKS open what was sealed before the key was changed.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_VERSION = "v1."
_NONCE_BYTES = 12


class SealBroken(Exception):
    """This was not sealed for this purpose with a key that we have, or it was changed since."""


def seal(text: str, *, purpose: str) -> str:
    """Return `text` encrypted, in URL-safe characters; never twice the same."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    box = AESGCM(_key(settings.SECRET_KEY, purpose)).encrypt(nonce, text.encode(), None)
    return _VERSION + urlsafe_b64encode(nonce + box).decode()


def unseal(sealed: str, *, purpose: str) -> str:
    """Return what `seal` was given for the same `purpose`; raise SealBroken."""
    try:
        raw = urlsafe_b64decode(sealed.removeprefix(_VERSION))
    except ValueError as error:
        raise SealBroken("This is no sealed text.") from error
    if not sealed.startswith(_VERSION) or len(raw) <= _NONCE_BYTES:
        raise SealBroken("This is no sealed text.")
    for secret_key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            return AESGCM(_key(secret_key, purpose)).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None).decode()
        except InvalidTag:
            continue
    raise SealBroken("No key that we have opens this.")


def _key(secret_key: str, purpose: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"pdfservice sealed {purpose}".encode())
    return derivation.derive(secret_key.encode())
