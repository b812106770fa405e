"""Using a link: look at it, spend a use of it, go on with a download that broke off."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F
from django.db.models.functions import Greatest, Now

from downloads_app.content import OpenedFile
from downloads_app.models import Delivery, DownloadLink, LinkRedemption, StoredFile
from downloads_app.services.files import file_open
from downloads_app.services.links import link_event
from downloads_app.services.refusals import ACTOR, Refusal, Visitor, record_refusal, refusal
from pdfservice.lib import storage
from pdfservice.lib.addresses import Address, is_within
from pdfservice.lib.errors import ServiceError, gone, not_found
from pdfservice.lib.tokens import hash_token

logger = logging.getLogger(__name__)

# A download that broke off is taken up again within this time, so many times, from the same address.
RESUME_WITHIN = timedelta(minutes=10)
MOST_RESUMPTIONS = 20
# What we handed on and the visitor may not have: it was in buffers of ours, of the system and on the line.
IN_FLIGHT_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Redemption:
    """A spent use: the file, and its bytes from `offset` on, opened.

    Whoever holds it has to iterate or close `content`. By a `delivery` other than `stream` somebody else sends the
    bytes, and `content` is closed.
    """

    redemption_id: int
    file: StoredFile
    content: OpenedFile
    delivery: Delivery = Delivery.STREAM
    offset: int = 0


def link_peek(*, token: str, address: Address | None, agent: str) -> DownloadLink:
    """Return the link that `token` opens for a caller at `address`, with its file; spends nothing.

    Raises ServiceError: 404 for a wrong token or address, 410 for a link that is spent, expired, revoked, or whose file
    is gone.
    """
    visitor = Visitor.of(address, agent)
    link = _known(token, visitor)
    if not DownloadLink.objects.usable().filter(pk=link.pk).exists():
        raise refusal(link, visitor)
    return link


def link_redeem(*, token: str, address: Address | None, agent: str) -> Redemption:
    """Spend one use of a link and return its file, opened.

    The file is opened first, so that a use is spent only when there are bytes for it. Raises what `link_peek` raises,
    and StorageUnavailable or ObjectMissing, with nothing spent.
    """
    visitor = Visitor.of(address, agent)
    link = link_peek(token=token, address=address, agent=agent)
    delivery = _delivery(link)
    content = file_open(file=link.file)
    try:
        redemption = _spend(link, visitor, delivery)
    except BaseException:
        content.close()
        raise
    if redemption is None:
        content.close()
        raise refusal(link, visitor)
    if delivery != Delivery.STREAM:
        content.close()
    else:
        content.when_ended(lambda ended: _settle(redemption.pk, link.file, 0, ended))
    return Redemption(redemption.pk, link.file, content, delivery)


def link_resume(
    *, token: str, address: Address | None, agent: str, first: int, last: int | None, etag: str
) -> Redemption:
    """Go on with a download that broke off, from byte `first` to `last` (None: the end), without another use.

    Only with the file's ETag, from the address that began it, in time, and for what it has not got yet. Raises
    ServiceError: 404 and 410 as `link_peek`, though not for a link that is spent, and 410 where there is nothing to go
    on with; then nothing is spent.
    """
    visitor = Visitor.of(address, agent)
    link = _known(token, visitor)
    if not DownloadLink.objects.open().filter(pk=link.pk).exists():
        raise refusal(link, visitor)
    broken_off = _broken_off(link, visitor, first) if etag == link.file.etag else None
    if broken_off is None:
        raise _not_resumable(link, visitor)
    size = link.file.size_bytes or 0
    length = size - first if last is None else min(last + 1, size) - first
    content = file_open(file=link.file, offset=first, length=length)
    try:
        is_ours = _take_up(link, visitor, broken_off, first)
    except BaseException:
        content.close()
        raise
    if not is_ours:
        content.close()
        raise _not_resumable(link, visitor)
    content.when_ended(lambda ended: _settle(broken_off.pk, link.file, first, ended))
    return Redemption(broken_off.pk, link.file, content, offset=first)


def _known(token: str, visitor: Visitor) -> DownloadLink:
    link = DownloadLink.objects.select_related("file__team").filter(token_hash=hash_token(token)).first()
    if link is None:
        raise not_found("link")
    if link.ip_whitelist and not is_within(visitor.address, link.ip_whitelist):
        record_refusal(link, Refusal.ADDRESS, visitor)
        raise not_found("link")  # to this address it does not exist
    return link


def _delivery(link: DownloadLink) -> Delivery:
    if link.delivery == Delivery.PRESIGNED and storage.signs_addresses():
        return Delivery.PRESIGNED
    return Delivery.SENDFILE if settings.SENDFILE else Delivery.STREAM


def _spend(link: DownloadLink, visitor: Visitor, delivery: Delivery) -> LinkRedemption | None:
    """Spend a use and write it down, or return None when there is none left any more."""
    with transaction.atomic():
        if not DownloadLink.objects.usable().filter(pk=link.pk).update(use_count=F("use_count") + 1):
            return None
        redemption = LinkRedemption.objects.create(
            link=link, address=visitor.address_text, agent=visitor.agent, delivery=delivery
        )
        data = {"redemption": redemption.pk, "delivery": delivery.value, **visitor.described()}
        link_event(link=link, actor=ACTOR, action="link.redeemed", data=data)
    return redemption


def _broken_off(link: DownloadLink, visitor: Visitor, first: int) -> LinkRedemption | None:
    """Return the visitor's last download of this link if it broke off and has not got byte `first`."""
    if visitor.address is None or first >= (link.file.size_bytes or 0):
        return None
    mine = LinkRedemption.objects.filter(link=link, address=visitor.address_text).order_by("-id")
    return mine.broken_off(RESUME_WITHIN, MOST_RESUMPTIONS).filter(bytes_sent__lte=first + IN_FLIGHT_BYTES).first()


def _take_up(link: DownloadLink, visitor: Visitor, broken_off: LinkRedemption, first: int) -> bool:
    """Take a broken download up again; False when somebody else just did."""
    with transaction.atomic():
        waiting = LinkRedemption.objects.filter(
            pk=broken_off.pk, ended_at__isnull=False, resumptions=broken_off.resumptions
        )
        if not waiting.update(ended_at=None, resumptions=F("resumptions") + 1):
            return False
        data = {"redemption": broken_off.pk, "first": first, **visitor.described()}
        link_event(link=link, actor=ACTOR, action="link.resumed", data=data)
    return True


def _settle(redemption_id: int, file: StoredFile, offset: int, ended: OpenedFile) -> None:
    sent = offset + ended.sent_bytes
    try:
        LinkRedemption.objects.filter(pk=redemption_id).update(
            bytes_sent=Greatest("bytes_sent", sent), complete=sent == file.size_bytes, ended_at=Now()
        )
    except DatabaseError:
        # The bytes have left; an error now would only break a connection that did its work.
        logger.exception("Redemption %s: %s bytes left, not written down", redemption_id, sent)


def _not_resumable(link: DownloadLink, visitor: Visitor) -> ServiceError:
    record_refusal(link, Refusal.NOT_RESUMABLE, visitor)
    return gone("There is no download to go on with; begin a new one.", Refusal.NOT_RESUMABLE)
