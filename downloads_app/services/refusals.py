"""Why a link does not open, and the trace that each refusal leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models.functions import Now

from downloads_app.models import DownloadLink
from downloads_app.services.files import file_gone
from downloads_app.services.links import link_event
from pdfservice.lib.addresses import Address
from pdfservice.lib.errors import ServiceError, gone
from pdfservice.teams.models import AuditEvent

ACTOR = "link"
REFUSED = "link.refused"
AGENT_CHARACTERS = 300
# The same refusal of the same address is written down once in this time, and so many of a link in all: else the holder
# of a dead link could fill the log.
INTERVAL = timedelta(minutes=1)
MOST_IN_INTERVAL = 20


class Refusal(StrEnum):
    """Why a link does not open."""

    ADDRESS = "address"
    REVOKED = "link_revoked"
    EXPIRED = "link_expired"
    SPENT = "link_spent"
    FILE_GONE = "file_gone"
    NOT_RESUMABLE = "not_resumable"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who holds the token, as far as we can tell."""

    address: Address | None
    agent: str

    @classmethod
    def of(cls, address: Address | None, agent: str) -> Visitor:
        """Return the visitor with an agent that fits the database and a log: PostgreSQL holds no NUL."""
        return cls(address, "".join(character for character in agent if character.isprintable())[:AGENT_CHARACTERS])

    @property
    def address_text(self) -> str | None:
        """The address as the database has it."""
        return str(self.address) if self.address else None

    def described(self) -> dict[str, str]:
        """Return what the audit log keeps."""
        return {"address": str(self.address or ""), "agent": self.agent}


def refusal(link: DownloadLink, visitor: Visitor) -> ServiceError:
    """Write down why `link` is unusable, and return it as an error."""
    link.refresh_from_db(fields=["revoked_at", "use_count"])
    reason = _reason(link)
    record_refusal(link, reason, visitor)
    match reason:
        case Refusal.REVOKED:
            return gone("This link has been withdrawn.", reason)
        case Refusal.SPENT:
            return gone("This link has been used up.", reason)
        case Refusal.EXPIRED:
            return gone("This link has expired.", reason)
    return file_gone()


def record_refusal(link: DownloadLink, reason: Refusal, visitor: Visitor) -> None:
    """Append a refusal to the audit log, unless it is there already."""
    if _was_recorded(link, reason, visitor):  # without a lock, so that a flood of refusals does not hold up writers
        return
    with transaction.atomic():
        DownloadLink.objects.select_for_update().get(pk=link.pk)
        if not _was_recorded(link, reason, visitor):
            data = {"reason": reason, **visitor.described()}
            link_event(link=link, actor=ACTOR, action=REFUSED, data=data)


def _reason(link: DownloadLink) -> Refusal:
    """Say why a link that the database found unusable is so, by its clock."""
    if link.revoked_at is not None:
        return Refusal.REVOKED
    if DownloadLink.objects.filter(pk=link.pk, expires_at__lte=Now()).exists():
        return Refusal.EXPIRED
    return Refusal.SPENT if link.use_count >= link.max_uses else Refusal.FILE_GONE


def _was_recorded(link: DownloadLink, reason: Refusal, visitor: Visitor) -> bool:
    # What else happens to a link is bounded by its uses, and must not push refusals out of sight.
    latest = AuditEvent.objects.about(link.external_id).filter(action=REFUSED, at__gt=Now() - INTERVAL).order_by("-id")
    seen = [(event.data.get("reason"), event.data.get("address")) for event in latest[:MOST_IN_INTERVAL]]
    return len(seen) >= MOST_IN_INTERVAL or (reason, str(visitor.address or "")) in seen
