"""Using a link: look at it, spend a use of it, or be refused."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.db import DatabaseError, transaction
from django.db.models import F
from django.db.models.functions import Now

from downloads_app.content import OpenedFile
from downloads_app.models import DownloadLink, LinkRedemption, StoredFile
from downloads_app.services.files import file_gone, file_open
from downloads_app.services.links import link_event
from pdfservice.lib.addresses import Address, is_within
from pdfservice.lib.errors import ServiceError, gone, not_found
from pdfservice.lib.tokens import hash_token
from pdfservice.teams.models import AuditEvent

logger = logging.getLogger(__name__)

ACTOR = "link"
REFUSED = "link.refused"
# One refusal for each link and reason in this time is written down, else the holder of a dead link could fill the log.
REFUSAL_INTERVAL = timedelta(minutes=1)
AGENT_CHARACTERS = 300


class Refusal(StrEnum):
    """Why a link does not open."""

    ADDRESS = "address"
    REVOKED = "link_revoked"
    EXPIRED = "link_expired"
    SPENT = "link_spent"
    FILE_GONE = "file_gone"


@dataclass(frozen=True, slots=True)
class Redemption:
    """A spent use: the file, and its bytes, opened. Whoever holds it has to iterate or close `content`."""

    redemption_id: int
    file: StoredFile
    content: OpenedFile


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who holds the token, as far as we can tell."""

    address: Address | None
    agent: str

    def described(self) -> dict[str, str]:
        """Return what the audit log keeps."""
        return {"address": str(self.address or ""), "agent": self.agent}


def link_peek(*, token: str, address: Address | None, agent: str) -> DownloadLink:
    """Return the link that `token` opens for a caller at `address`, with its file; spends nothing.

    Raises ServiceError: 404 for a wrong token or address, 410 for a link that is spent, expired, revoked, or whose file
    is gone.
    """
    return _admit(token, Visitor(address, _printable(agent)))


def link_redeem(*, token: str, address: Address | None, agent: str) -> Redemption:
    """Spend one use of a link and return its file, opened.

    The file is opened first, so that a use is spent only when there are bytes for it. Raises what `link_peek` raises,
    and StorageUnavailable or ObjectMissing, with nothing spent.
    """
    visitor = Visitor(address, _printable(agent))
    link = _admit(token, visitor)
    content = file_open(file=link.file)
    try:
        redemption = _spend(link, visitor)
    except BaseException:
        content.close()
        raise
    if redemption is None:
        content.close()
        raise _refusal(link, visitor)
    content.when_ended(lambda ended: _settle(redemption.pk, ended))
    return Redemption(redemption.pk, link.file, content)


def _admit(token: str, visitor: Visitor) -> DownloadLink:
    link = DownloadLink.objects.select_related("file__team").filter(token_hash=hash_token(token)).first()
    if link is None:
        raise _unknown()
    if link.ip_whitelist and not is_within(visitor.address, link.ip_whitelist):
        _record_refusal(link, Refusal.ADDRESS, visitor)
        raise _unknown()  # to this address it does not exist
    if not DownloadLink.objects.usable().filter(pk=link.pk).exists():
        raise _refusal(link, visitor)
    return link


def _spend(link: DownloadLink, visitor: Visitor) -> LinkRedemption | None:
    """Spend a use and write it down, or return None when there is none left any more."""
    with transaction.atomic():
        if not DownloadLink.objects.usable().filter(pk=link.pk).update(use_count=F("use_count") + 1):
            return None
        redemption = LinkRedemption.objects.create(
            link=link, address=str(visitor.address) if visitor.address else None, agent=visitor.agent
        )
        data = {"redemption": redemption.pk, **visitor.described()}
        link_event(link=link, actor=ACTOR, action="link.redeemed", data=data)
    return redemption


def _settle(redemption_id: int, ended: OpenedFile) -> None:
    try:
        LinkRedemption.objects.filter(pk=redemption_id).update(bytes_sent=ended.sent_bytes, complete=ended.is_complete)
    except DatabaseError:
        # The bytes have left; an error now would only break a connection that did its work.
        logger.exception("Redemption %s: %s bytes left, not written down", redemption_id, ended.sent_bytes)


def _refusal(link: DownloadLink, visitor: Visitor) -> ServiceError:
    """Write down why `link` is unusable, and return it as an error."""
    link.refresh_from_db(fields=["revoked_at", "use_count"])
    reason = _reason(link)
    _record_refusal(link, reason, visitor)
    match reason:
        case Refusal.REVOKED:
            return gone("This link has been withdrawn.", reason)
        case Refusal.SPENT:
            return gone("This link has been used up.", reason)
        case Refusal.EXPIRED:
            return gone("This link has expired.", reason)
    return file_gone()


def _reason(link: DownloadLink) -> Refusal:
    """Say why a link that the database found unusable is so, by its clock."""
    if link.revoked_at is not None:
        return Refusal.REVOKED
    if DownloadLink.objects.filter(pk=link.pk, expires_at__lte=Now()).exists():
        return Refusal.EXPIRED
    return Refusal.SPENT if link.use_count >= link.max_uses else Refusal.FILE_GONE


def _unknown() -> ServiceError:
    return not_found("link")


def _record_refusal(link: DownloadLink, reason: Refusal, visitor: Visitor) -> None:
    if _was_recorded(link, reason):  # without a lock, so that a flood of refusals does not hold up writers
        return
    with transaction.atomic():
        DownloadLink.objects.select_for_update().get(pk=link.pk)
        if not _was_recorded(link, reason):
            data = {"reason": reason, **visitor.described()}
            link_event(link=link, actor=ACTOR, action=REFUSED, data=data)


def _was_recorded(link: DownloadLink, reason: Refusal) -> bool:
    # The last few events suffice: more than that in the interval are uses of the link, and those are bounded anyway.
    latest = AuditEvent.objects.about(link.external_id).filter(at__gt=Now() - REFUSAL_INTERVAL).order_by("-id")[:20]
    return any(event.action == REFUSED and event.data.get("reason") == reason for event in latest)


def _printable(agent: str) -> str:
    # PostgreSQL holds no NUL, and a log is no place for control characters.
    return "".join(character for character in agent if character.isprintable())[:AGENT_CHARACTERS]
