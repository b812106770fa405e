"""Making, recognising and revoking API keys.

`Authorization: Bearer pdf_<prefix>_<secret>`: the prefix (public, 8 characters) finds the row, the hash of the secret
opens it.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from pdfservice.lib.tokens import hash_token, new_token
from pdfservice.teams import audit
from pdfservice.teams.models import ApiKey, Team
from pdfservice.teams.scopes import PROGRAM_SCOPES, Scope

_ALPHABET = string.ascii_letters + string.digits
_USE_NOTED_EVERY = timedelta(minutes=1)


def api_key_create(
    *,
    team: Team,
    name: str,
    actor: str,
    scopes: Iterable[Scope] = PROGRAM_SCOPES,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its full text, which is shown now and never again."""
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    secret = new_token()
    key = ApiKey.objects.create(
        team=team,
        name=name,
        prefix=prefix,
        secret_hash=hash_token(secret),
        scopes=sorted(scopes),
        expires_at=expires_at,
    )
    audit.record(
        team_id=team.pk,
        actor=actor,
        action="api_key.created",
        subject_type="api_key",
        subject_id=None,
        data={"prefix": prefix, "name": name, "scopes": key.scopes},
    )
    return key, f"pdf_{prefix}_{secret}"


def api_key_recognise(text: str) -> ApiKey | None:
    """Return the live key that `text` is, or None; note its use, at most once a minute."""
    kind, _, rest = text.partition("_")
    prefix, _, secret = rest.partition("_")
    if kind != "pdf" or len(prefix) != 8 or not secret:
        return None
    now = timezone.now()
    key = ApiKey.objects.select_related("team").filter(prefix=prefix).first()
    if key is None or not constant_time_compare(key.secret_hash, hash_token(secret)):
        return None
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return None
    if key.last_used_at is None or now - key.last_used_at >= _USE_NOTED_EVERY:
        due = Q(last_used_at=None) | Q(last_used_at__lte=now - _USE_NOTED_EVERY)
        ApiKey.objects.filter(due, pk=key.pk).update(last_used_at=now)
    return key


def api_key_revoke(*, key: ApiKey, actor: str) -> bool:
    """Revoke a key; False when it was revoked before."""
    if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        return False
    audit.record(
        team_id=key.team_id,
        actor=actor,
        action="api_key.revoked",
        subject_type="api_key",
        subject_id=None,
        data={"prefix": key.prefix, "name": key.name},
    )
    return True
