"""Templates and their versions, frozen once published."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.timezone import now

from pdfservice.teams.models import Team
from templates_app.renderer.contracts import Engine, Language, ResourcePolicy
from templates_app.watermark_models import WatermarkConfig, WatermarkImage

__all__ = [
    "AssetType",
    "StorageOrphan",
    "Template",
    "TemplateAsset",
    "TemplatePartial",
    "TemplateVersion",
    "VersionStatus",
    "WatermarkConfig",
    "WatermarkImage",
]


def _choices(values: type[Language] | type[Engine] | type[ResourcePolicy]) -> list[tuple[str, str]]:
    return [(value.value, value.value) for value in values]


class TemplateQuerySet(models.QuerySet["Template"]):
    """Reads of templates."""

    def for_team(self, team: Team) -> TemplateQuerySet:
        """Return the templates of `team`."""
        return self.filter(team=team)


class Template(models.Model):
    """A named thing of a team that programs ask for; what it looks like is up to its active version."""

    external_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="templates")
    slug = models.SlugField(max_length=80)
    name = models.CharField(max_length=120)
    active_version = models.ForeignKey(
        "TemplateVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="active_for"
    )
    retention_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Days until an output expires; empty takes the team's."
    )
    created_at = models.DateTimeField(default=now, editable=False)

    objects = TemplateQuerySet.as_manager()

    class Meta:
        ordering = ["team", "slug"]
        constraints = [models.UniqueConstraint(fields=["team", "slug"], name="template_slug_once_per_team")]

    def __str__(self) -> str:
        return self.name


class VersionStatus(models.TextChoices):
    """Where a version stands: only a draft may change, only a published one may be active."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class TemplateVersionQuerySet(models.QuerySet["TemplateVersion"]):
    """Reads of versions."""

    def for_team(self, team: Team) -> TemplateVersionQuerySet:
        """Return the versions of the templates of `team`."""
        return self.filter(template__team=team)

    def drafts(self) -> TemplateVersionQuerySet:
        """Return the versions that may still change."""
        return self.filter(status=VersionStatus.DRAFT)


class TemplateVersion(models.Model):
    """One state of a template: source, style, schema and assets."""

    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    language = models.CharField(max_length=20, choices=_choices(Language))
    engine = models.CharField(max_length=20, choices=_choices(Engine), default=Engine.WEASYPRINT)
    html_source = models.TextField(blank=True)
    css_source = models.TextField(blank=True)
    # Where the text lies when it is long (templates_app/sources.py); the columns above are empty then.
    html_source_key = models.CharField(max_length=200, blank=True, editable=False)
    css_source_key = models.CharField(max_length=200, blank=True, editable=False)
    payload_schema = models.JSONField(null=True, blank=True)
    sample_payload = models.JSONField(null=True, blank=True)
    trusted_fields = models.JSONField(
        default=list,
        blank=True,
        help_text="Payload fields whose HTML is printed without cleaning, as dotted paths: body, items.*.html",
    )
    locale = models.CharField(max_length=35, default="en", help_text="How helpers write numbers and dates")
    timezone = models.CharField(max_length=64, default="UTC", help_text="Which time helpers show")
    resource_policy = models.CharField(
        max_length=10,
        choices=_choices(ResourcePolicy),
        default=ResourcePolicy.WARN,
        help_text="When something is missing",
    )
    title = models.CharField(max_length=200, blank=True, help_text="The PDF's title where the source names none")
    note = models.CharField(max_length=500, blank=True)
    findings = models.JSONField(default=list, editable=False, help_text="What publishing warned of")
    inferred_schema = models.JSONField(
        null=True, editable=False, help_text="What the first payload looked like; an offer to authors, never imposed"
    )
    status = models.CharField(max_length=10, choices=VersionStatus.choices, default=VersionStatus.DRAFT)
    content_hash = models.CharField(max_length=64, blank=True, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)
    # Grows with every change of a draft, so that who writes on top of an older state is told (authoring/drafts.py).
    revision = models.PositiveIntegerField(default=1, editable=False)
    edited_by = models.CharField(max_length=200, blank=True, editable=False)
    edited_at = models.DateTimeField(null=True, editable=False)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = TemplateVersionQuerySet.as_manager()

    class Meta:
        ordering = ["template", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["template", "version"], name="version_once_per_template"),
            models.CheckConstraint(condition=Q(version__gte=1), name="version_counts_from_one"),
            models.CheckConstraint(condition=Q(status__in=VersionStatus.values), name="version_status_known"),
            models.CheckConstraint(
                condition=Q(status=VersionStatus.DRAFT, published_at=None)
                | (~Q(status=VersionStatus.DRAFT) & Q(published_at__isnull=False) & ~Q(content_hash="")),
                name="version_published_has_time_and_hash",
            ),
            models.CheckConstraint(
                condition=(Q(html_source="") | Q(html_source_key="")) & (Q(css_source="") | Q(css_source_key="")),
                name="version_source_in_one_place",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template} v{self.version}"


class AssetType(models.TextChoices):
    """What an asset is for."""

    FONT = "font"
    IMAGE = "image"
    LOGO = "logo"


class TemplateAsset(models.Model):
    """A file that a version names as `asset:NAME`. Its bytes lie in storage, once for each content of a team."""

    version = models.ForeignKey(TemplateVersion, on_delete=models.CASCADE, related_name="assets")
    asset_type = models.CharField(max_length=10, choices=AssetType.choices)
    name = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)
    storage_key = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size_bytes = models.PositiveIntegerField()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["version", "name"], name="asset_name_once_per_version"),
            models.CheckConstraint(condition=Q(asset_type__in=AssetType.values), name="asset_type_known"),
        ]

    def __str__(self) -> str:
        return self.name


class TemplatePartial(models.Model):
    """A named piece of source that a version's template includes."""

    version = models.ForeignKey(TemplateVersion, on_delete=models.CASCADE, related_name="partials")
    name = models.CharField(max_length=100)
    source = models.TextField(blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["version", "name"], name="partial_name_once_per_version")]

    def __str__(self) -> str:
        return self.name


class StorageOrphan(models.Model):
    """A key in file storage that no row names: not to be used again, to be deleted, or deleted lately."""

    key = models.CharField(max_length=300, unique=True)
    marked_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.key
