"""Bytes we hold, the secrets that open them, and who used one."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from pdfservice.teams.models import ApiKey, Team


class FileState(models.TextChoices):
    """`pending` before its bytes are acknowledged, `live` while they can be read, `deleted` once nobody gets them.

    The bytes of a deleted file are gone when `bytes_deleted_at` says so; until then they are owed to the sweep.
    """

    PENDING = "pending"
    LIVE = "live"
    DELETED = "deleted"


class StoredFileQuerySet(models.QuerySet["StoredFile"]):
    """Reads of files."""

    def for_team(self, team: Team) -> StoredFileQuerySet:
        """Return the files of `team`."""
        return self.filter(team=team)

    def readable(self) -> StoredFileQuerySet:
        """Return the files whose bytes may be handed out now."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=Now()), state=FileState.LIVE)

    def expired(self) -> StoredFileQuerySet:
        """Return the live files whose time is over."""
        return self.filter(state=FileState.LIVE, expires_at__lte=Now())

    def abandoned(self, older_than: timedelta) -> StoredFileQuerySet:
        """Return the files whose bytes nobody has confirmed in the time `older_than`."""
        return self.filter(state=FileState.PENDING, created_at__lte=Now() - older_than)

    def forgettable(self) -> StoredFileQuerySet:
        """Return the files whose bytes are gone and that nothing but their own links points at."""
        gone = self.filter(state=FileState.DELETED, bytes_deleted_at__isnull=False)
        for relation in StoredFile._meta.related_objects:
            if relation.related_model is not DownloadLink:
                referring = relation.related_model._base_manager.filter(**{relation.field.name: OuterRef("pk")})
                gone = gone.filter(~Exists(referring))
        return gone

    def bytes_owed(self) -> StoredFileQuerySet:
        """Return the deleted files whose bytes may still be in storage."""
        return self.filter(state=FileState.DELETED, bytes_deleted_at=None)


class StoredFile(models.Model):
    """One object in storage. Its row is there before its bytes, so that bytes nobody finished can be found and swept.

    `expires_at` is the truth about expiry: jobs and links show it, and none outlives it.
    """

    external_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="files")
    key = models.CharField(max_length=200)
    filename = models.CharField(max_length=255)
    content_type = models.CharField(max_length=100, default="application/pdf")
    sha256 = models.CharField(max_length=64, blank=True)
    size_bytes = models.PositiveBigIntegerField(null=True)
    page_count = models.PositiveIntegerField(null=True)
    state = models.CharField(max_length=10, choices=FileState.choices, default=FileState.PENDING)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    # When the storage was last asked to delete the bytes, so that one that always refuses does not hold up the others.
    delete_tried_at = models.DateTimeField(null=True, editable=False)
    bytes_deleted_at = models.DateTimeField(null=True, editable=False)
    # Where a picture of its first page is or may be: noted before the picture is stored, and deleted with the file.
    preview_key = models.CharField(max_length=200, blank=True, editable=False)
    preview_at = models.DateTimeField(null=True, editable=False)

    objects = StoredFileQuerySet.as_manager()

    class Meta:
        constraints = [
            # As a constraint: a unique field has a second index on PostgreSQL, for LIKE, which nobody asks.
            models.UniqueConstraint(fields=["key"], name="file_key_once"),
            models.CheckConstraint(condition=Q(state__in=FileState.values), name="file_state_known"),
            models.CheckConstraint(
                condition=~Q(state=FileState.LIVE) | (Q(size_bytes__isnull=False) & ~Q(sha256="")),
                name="file_live_has_size_and_hash",
            ),
            models.CheckConstraint(
                condition=Q(bytes_deleted_at=None) | Q(state=FileState.DELETED), name="file_only_deleted_loses_bytes"
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(state=FileState.LIVE), name="file_expiry"),
            models.Index(fields=["created_at"], condition=Q(state=FileState.PENDING), name="file_pending"),
            models.Index(
                fields=["delete_tried_at"],
                condition=Q(state=FileState.DELETED, bytes_deleted_at=None),
                name="file_bytes_owed",
            ),
        ]

    def __str__(self) -> str:
        return self.filename

    @property
    def etag(self) -> str:
        """The entity tag of its bytes (RFC 9110)."""
        return f'"{self.sha256}"'


class Delivery(models.TextChoices):
    """Who sends the bytes: we do, the file server by an address that we signed, or the proxy before us from its disk.

    A link asks for one of the first two; `sendfile` takes the place of `stream` where the settings say so.
    """

    STREAM = "stream"
    PRESIGNED = "presigned"
    SENDFILE = "sendfile"


class DownloadLinkQuerySet(models.QuerySet["DownloadLink"]):
    """Reads of links."""

    def for_team(self, team: Team) -> DownloadLinkQuerySet:
        """Return the links to files of `team`."""
        return self.filter(file__team=team)

    def usable(self) -> DownloadLinkQuerySet:
        """Return the links that open their file now.

        Without a join, so that an UPDATE keeps the conditions on its own rows: PostgreSQL checks those again after
        waiting for another writer, but not what stands inside a subquery.
        """
        return self.open().filter(use_count__lt=F("max_uses"))

    def open(self) -> DownloadLinkQuerySet:
        """Return the links that are neither over nor withdrawn, though their uses may be spent."""
        return self.filter(revoked_at=None, expires_at__gt=Now(), file__in=StoredFile.objects.readable())


class DownloadLink(models.Model):
    """A secret that opens a file, so many times, for so long, from these networks. Only its hash is kept."""

    external_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    file = models.ForeignKey(StoredFile, on_delete=models.CASCADE, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_by_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="download_links"
    )
    created_by_key = models.ForeignKey(ApiKey, on_delete=models.SET_NULL, null=True, related_name="download_links")
    max_uses = models.PositiveIntegerField(default=1)
    use_count = models.PositiveIntegerField(default=0)
    delivery = models.CharField(max_length=10, choices=Delivery.choices, default=Delivery.STREAM)
    shows_preview = models.BooleanField(default=False, help_text="the page shows a picture of the first page")
    ip_whitelist = models.JSONField(default=list, help_text="CIDR networks; an empty list lets every address in")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = DownloadLinkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(max_uses__gte=1), name="link_has_a_use"),
            models.CheckConstraint(condition=Q(use_count__lte=F("max_uses")), name="link_never_overused"),
            models.CheckConstraint(
                condition=Q(delivery__in=(Delivery.STREAM, Delivery.PRESIGNED)), name="link_delivery_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} ({self.use_count} of {self.max_uses} uses)"


class LinkRedemptionQuerySet(models.QuerySet["LinkRedemption"]):
    """Reads of uses."""

    def broken_off(self, within: timedelta, most_resumptions: int) -> LinkRedemptionQuerySet:
        """Return the downloads that ended in that time before they were complete, and may be taken up again."""
        return self.filter(
            delivery=Delivery.STREAM,
            complete=False,
            ended_at__gt=Now() - within,
            resumptions__lt=most_resumptions,
        )


class LinkRedemption(models.Model):
    """One use of a link: from where, and how much of the file left. Of what others send, we know only that they may."""

    link = models.ForeignKey(DownloadLink, on_delete=models.CASCADE, related_name="redemptions")
    at = models.DateTimeField(default=timezone.now)
    address = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=300, blank=True)
    delivery = models.CharField(max_length=10, choices=Delivery.choices, default=Delivery.STREAM)
    # Up to which byte of the file.
    bytes_sent = models.PositiveBigIntegerField(default=0)
    complete = models.BooleanField(default=False)
    # When the last byte left, or the line broke; null while bytes leave.
    ended_at = models.DateTimeField(null=True)
    resumptions = models.PositiveSmallIntegerField(default=0)

    objects = LinkRedemptionQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["link", "at"], name="redemption_by_link")]

    def __str__(self) -> str:
        return f"{self.link_id} at {self.at}"
