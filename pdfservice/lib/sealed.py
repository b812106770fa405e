"""Secrets that we have to use again, and therefore keep encrypted instead of hashed.

AES-256-GCM under a key that HKDF derives from SECRET_KEY for one purpose: what was sealed for one row or one column
opens for no other. SECRET_KEY_FALLBACKS open what was sealed before the key was changed.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_VERSION = "v1."
_MARK = b"pdfservice sealed 1\0"
_NONCE_BYTES = 12


class SealBroken(Exception):
    """This was not sealed for this purpose with a key that we have, or it was changed since."""


def seal(text: str, *, purpose: str) -> str:
    """Return `text` encrypted, in URL-safe characters; never twice the same."""
    return _VERSION + urlsafe_b64encode(_locked(text.encode(), purpose)).decode()


def unseal(sealed: str, *, purpose: str) -> str:
    """Return what `seal` was given for the same `purpose`; raise SealBroken."""
    try:
        raw = urlsafe_b64decode(sealed.removeprefix(_VERSION))
    except ValueError as error:
        raise SealBroken("This is no sealed text.") from error
    if not sealed.startswith(_VERSION):
        raise SealBroken("This is no sealed text.")
    return _opened(raw, purpose).decode()


def seal_bytes(data: bytes, *, purpose: str) -> bytes:
    """Return `data` encrypted; never twice the same."""
    return _MARK + _locked(data, purpose)


def unseal_bytes(sealed: bytes, *, purpose: str) -> bytes:
    """Return what `seal_bytes` was given for the same `purpose`; raise SealBroken."""
    if not is_sealed(sealed):
        raise SealBroken("These are no sealed bytes.")
    return _opened(sealed[len(_MARK) :], purpose)


def is_sealed(data: bytes) -> bool:
    """Say whether `seal_bytes` made these bytes."""
    return data.startswith(_MARK)


def keyed_hashes(text: str, *, purpose: str) -> list[str]:
    """Return HMAC-SHA-256 of `text` in hex, under SECRET_KEY first and then under each of its fallbacks.

    For hashes over what may be short enough to be guessed, such as passwords.
    """
    keys = (_key(secret_key, purpose) for secret_key in _secret_keys())
    return [hmac.digest(key, text.encode(), "sha256").hex() for key in keys]


def _locked(data: bytes, purpose: str) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(_key(settings.SECRET_KEY, purpose)).encrypt(nonce, data, None)


def _opened(raw: bytes, purpose: str) -> bytes:
    if len(raw) <= _NONCE_BYTES:
        raise SealBroken("This is no sealed text.")
    for secret_key in _secret_keys():
        try:
            return AESGCM(_key(secret_key, purpose)).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)
        except InvalidTag:
            continue
    raise SealBroken("No key that we have opens this.")


def _secret_keys() -> tuple[str, ...]:
    return settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS


def _key(secret_key: str, purpose: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"pdfservice sealed {purpose}".encode())
    return derivation.derive(secret_key.encode())
