"""Watermark configs, and the images that they show."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from pdfservice.teams.models import Team


class WatermarkType(models.TextChoices):
    """What a watermark shows."""

    TEXT = "text"
    IMAGE = "image"


class WatermarkPosition(models.TextChoices):
    """Where a watermark lies: over what the page shows, or under it."""

    ABOVE = "above"
    BELOW = "below"


class WatermarkImage(models.Model):
    """An image whose bytes lie in storage under their hash.

    It stays for a while after the last config has let go of it: jobs that were accepted with it may still need it.
    """

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="watermark_images")
    sha256 = models.CharField(max_length=64)
    storage_key = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size_bytes = models.PositiveIntegerField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["released_at"], condition=Q(released_at__isnull=False), name="watermark_image_let_go")
        ]

    def __str__(self) -> str:
        return self.sha256


class WatermarkConfigQuerySet(models.QuerySet["WatermarkConfig"]):
    """Reads of watermarks."""

    def for_team(self, team: Team) -> WatermarkConfigQuerySet:
        """Return the watermarks of `team`."""
        return self.filter(team=team)


class WatermarkConfig(models.Model):
    """A watermark that requests name. Jobs take a copy of it along: changing it changes no job that was accepted."""

    external_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="watermarks")
    name = models.CharField(max_length=120)
    type = models.CharField(max_length=10, choices=WatermarkType.choices)
    content = models.CharField(max_length=200, blank=True, help_text="The text, on up to five lines")
    image = models.ForeignKey(
        WatermarkImage, on_delete=models.PROTECT, null=True, blank=True, related_name="watermarks"
    )
    opacity = models.FloatField(default=0.15)
    rotation_deg = models.FloatField(default=45, help_text="Counterclockwise")
    font_size = models.FloatField(null=True, blank=True, help_text="Points; empty fits the page")
    width_percent = models.FloatField(null=True, blank=True, help_text="An image's part of the page's width")
    color_hex = models.CharField(max_length=7, default="#808080")
    repeat_tile = models.BooleanField(default=False, help_text="All over the page instead of once")
    position = models.CharField(max_length=10, choices=WatermarkPosition.choices, default=WatermarkPosition.ABOVE)
    pages = models.CharField(max_length=100, blank=True, help_text="Such as 1, 3-5, 7-; empty for all")
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)

    objects = WatermarkConfigQuerySet.as_manager()

    class Meta:
        ordering = ["team", "name"]
        constraints = [
            models.UniqueConstraint(fields=["team", "name"], name="watermark_name_once_per_team"),
            models.CheckConstraint(
                condition=(Q(type=WatermarkType.TEXT, image=None) & ~Q(content=""))
                | Q(type=WatermarkType.IMAGE, image__isnull=False, content=""),
                name="watermark_is_text_or_image",
            ),
            models.CheckConstraint(condition=Q(opacity__gt=0, opacity__lte=1), name="watermark_opacity_in_range"),
            models.CheckConstraint(condition=Q(position__in=WatermarkPosition.values), name="watermark_position_known"),
        ]

    def __str__(self) -> str:
        return self.name
