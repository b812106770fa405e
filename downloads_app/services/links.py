"""Links: made for a caller, taken back by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from downloads_app.models import Delivery, DownloadLink, FileState, StoredFile
from downloads_app.services.files import file_gone
from pdfservice.lib import storage
from pdfservice.lib.addresses import parse_network
from pdfservice.lib.errors import Fault, conflict, malformed, not_found
from pdfservice.lib.tokens import hash_token, new_token
from pdfservice.teams import audit
from pdfservice.teams.callers import Caller


def link_create(
    *,
    file: StoredFile,
    caller: Caller,
    ttl_seconds: int = 900,
    max_uses: int = 1,
    ip_whitelist: Sequence[str] = (),
    preview: bool = False,
    delivery: str = Delivery.STREAM,
) -> tuple[DownloadLink, str]:
    """Make a link to a live file of the caller's team; return it and its token, which cannot be had again.

    The link ends after `ttl_seconds`, but never after its file. `ip_whitelist` holds networks in CIDR notation; none
    lets every address in. Raises ServiceError: 410 for a file that is gone, 409 for one that is not stored yet, and for
    `presigned` delivery where the storage signs no addresses; 400 for it together with networks, which whoever follows
    the signed address would not have to be in.
    """
    if delivery == Delivery.PRESIGNED:
        _check_presigned(ip_whitelist)
    if file.team_id != caller.team.pk:
        raise not_found("file")
    current = StoredFile.objects.readable().filter(pk=file.pk).first()
    if current is None:
        if StoredFile.objects.filter(pk=file.pk, state=FileState.PENDING).exists():
            raise conflict("The file is not ready yet.")
        raise file_gone()
    token = new_token()
    expires_at = timezone.now() + timedelta(seconds=ttl_seconds)
    if current.expires_at is not None:
        expires_at = min(expires_at, current.expires_at)
    with transaction.atomic():
        link = DownloadLink.objects.create(
            file=current,
            token_hash=hash_token(token),
            created_by_user=caller.user,
            created_by_key=caller.api_key,
            max_uses=max_uses,
            delivery=delivery,
            shows_preview=preview,
            ip_whitelist=[str(parse_network(network)) for network in ip_whitelist],
            expires_at=expires_at,
        )
        data = {
            "max_uses": max_uses,
            "expires_at": expires_at.isoformat(),
            "ip_whitelist": link.ip_whitelist,
            "delivery": link.delivery,
        }
        link_event(link=link, actor=caller.actor, action="link.created", data=data)
    return link, token


def _check_presigned(ip_whitelist: Sequence[str]) -> None:
    if ip_whitelist:
        message = "Presigned delivery cannot hold to an address list: the file server does not know it."
        raise malformed(message, [Fault("/delivery", message)])
    if not storage.signs_addresses():
        raise conflict("Presigned delivery needs files on S3.", "presigned_unavailable")


def link_revoke(*, link: DownloadLink, actor: str) -> bool:
    """Take a link back for good; False when somebody already did."""
    with transaction.atomic():
        revoked = DownloadLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=Now())
        if revoked:
            link_event(link=link, actor=actor, action="link.revoked")
    return bool(revoked)


def link_event(*, link: DownloadLink, actor: str, action: str, data: Mapping[str, Any] | None = None) -> None:
    """Append an event about `link` to the audit log, in the caller's transaction."""
    audit.record(
        team_id=link.file.team_id,
        actor=actor,
        action=action,
        subject_type="link",
        subject_id=link.external_id,
        data={"file": str(link.file.external_id), **(data or {})},
    )
