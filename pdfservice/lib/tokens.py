"""Secrets that we hand out and only keep a hash of."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_BYTES = 32


def new_token() -> str:
    """Return 256 random bits in URL-safe characters (43 of them)."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> str:
    """Return the SHA-256 of a token in hex.

    A plain fast hash suffices: 256 random bits cannot be guessed, so there is nothing that a slow one would protect.
    """
    return hashlib.sha256(token.encode()).hexdigest()
