"""How templates and versions look on the wire, and what a request about them may say."""

from __future__ import annotations

import re
import zoneinfo
from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from pdfservice.lib.serializers import StrictSerializer
from templates_app import sources
from templates_app.authoring.drafts import DraftFields
from templates_app.finishing_options import DocumentOptionsSerializer
from templates_app.models import AssetType, Template, TemplateAsset, TemplatePartial, TemplateVersion, VersionStatus
from templates_app.renderer.contracts import Engine, Language, ResourcePolicy, is_field_path

_LOCALE = RegexValidator(
    re.compile(r"\A[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8}){0,3}\Z"), "A locale looks like de or de-CH."
)
PART_NAME = RegexValidator(
    re.compile(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\Z"),
    "A name has up to 100 letters, digits, dots, dashes and underscores, and begins with no dot or dash.",
)
_MAX_PARTIALS = 100


def _values(enum: type[Language] | type[Engine] | type[ResourcePolicy]) -> list[str]:
    return [member.value for member in enum]


def _refuse_no_field(path: str) -> None:
    if not is_field_path(path):
        raise serializers.ValidationError("A field looks like body or items.*.html.")


class TemplateRequestSerializer(StrictSerializer):
    """A template to make."""

    slug = serializers.SlugField(max_length=80)
    name = serializers.CharField(max_length=120)
    retention_days = serializers.IntegerField(
        min_value=1, max_value=3660, required=False, allow_null=True, default=None, help_text="null takes the team's."
    )


class TemplateSerializer(serializers.Serializer[Template]):
    """A template, everywhere it is shown."""

    slug = serializers.CharField()
    name = serializers.CharField()
    active_version = serializers.IntegerField(source="active_version.version", default=None, allow_null=True)
    retention_days = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()


class VersionRequestSerializer(StrictSerializer):
    """What an author says of a draft; what is left out stays as it is."""

    language = serializers.ChoiceField(choices=_values(Language), required=False)
    engine = serializers.ChoiceField(choices=_values(Engine), required=False)
    html_source = serializers.CharField(allow_blank=True, trim_whitespace=False, required=False)
    css_source = serializers.CharField(allow_blank=True, trim_whitespace=False, required=False)
    partials = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False),
        required=False,
        help_text="Sources by name; takes the place of all partials there are.",
    )
    payload_schema = serializers.JSONField(
        required=False, allow_null=True, help_text="JSON Schema 2020-12; null takes any payload."
    )
    sample_payload = serializers.DictField(required=False, allow_null=True)
    trusted_fields = serializers.ListField(
        child=serializers.CharField(max_length=200, validators=[_refuse_no_field]),
        max_length=100,
        required=False,
        help_text="body, items.*.html",
    )
    locale = serializers.CharField(max_length=35, validators=[_LOCALE], required=False)
    timezone = serializers.CharField(max_length=64, required=False)
    resource_policy = serializers.ChoiceField(choices=_values(ResourcePolicy), required=False)
    title = serializers.CharField(max_length=200, allow_blank=True, required=False)
    note = serializers.CharField(max_length=500, allow_blank=True, required=False)

    def validate_timezone(self, value: str) -> str:
        """Refuse what is no time zone of the IANA."""
        if value not in zoneinfo.available_timezones():
            raise serializers.ValidationError("There is no such time zone: Europe/Berlin is one.")
        return value

    def validate_payload_schema(self, value: Any) -> Any:
        """Refuse what cannot be a schema at all; publishing looks closer."""
        if value is not None and not isinstance(value, dict | bool):
            raise serializers.ValidationError("A schema is an object, or true or false.")
        return value

    def validate_partials(self, value: dict[str, str]) -> dict[str, str]:
        """Refuse names that no source could use."""
        if len(value) > _MAX_PARTIALS:
            raise serializers.ValidationError(f"A version has up to {_MAX_PARTIALS} partials.")
        for name in value:
            PART_NAME(name)
        return value

    def to_fields(self) -> DraftFields:
        """Return the validated fields."""
        fields: Any = {name: value for name, value in self.validated_data.items() if name != "copy_of"}
        draft: DraftFields = fields
        return draft


class VersionCreateSerializer(VersionRequestSerializer):
    """A draft to make: from scratch with a `language`, or as a copy. Whatever else is said goes over the copy."""

    copy_of = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False)


class FindingSerializer(serializers.Serializer[Any]):
    """What a check before publishing found."""

    severity = serializers.ChoiceField(choices=["error", "warning"])
    code = serializers.CharField()
    message = serializers.CharField()
    file = serializers.CharField(help_text="html_source, css_source, partials/NAME, payload_schema, or another field")
    line = serializers.IntegerField(allow_null=True)
    column = serializers.IntegerField(allow_null=True)


class AssetSerializer(serializers.ModelSerializer[TemplateAsset]):
    """A file that the sources name as `asset:NAME`."""

    type = serializers.ChoiceField(choices=AssetType.choices, source="asset_type")

    class Meta:
        model = TemplateAsset
        fields = ["name", "type", "content_type", "size_bytes", "sha256"]


class VersionSummarySerializer(serializers.Serializer[TemplateVersion]):
    """A version in a list: without its sources."""

    template = serializers.CharField(source="template.slug")
    version = serializers.IntegerField()
    status = serializers.ChoiceField(choices=VersionStatus.choices)
    is_active = serializers.SerializerMethodField()
    language = serializers.CharField()
    engine = serializers.CharField()
    title = serializers.CharField()
    note = serializers.CharField()
    content_hash = serializers.CharField(help_text="Empty for a draft.")
    created_at = serializers.DateTimeField()
    published_at = serializers.DateTimeField(allow_null=True)

    def get_is_active(self, version: TemplateVersion) -> bool:
        """Say whether jobs that name no version get this one."""
        return version.template.active_version_id == version.pk


class VersionSerializer(VersionSummarySerializer):
    """A version with everything that makes it."""

    html_source = serializers.SerializerMethodField()
    css_source = serializers.SerializerMethodField()
    partials = serializers.SerializerMethodField()
    assets = serializers.SerializerMethodField()
    payload_schema = serializers.JSONField(allow_null=True)
    inferred_schema = serializers.JSONField(
        allow_null=True, help_text="Without a schema: one that the first payload fits. An offer, never imposed."
    )
    sample_payload = serializers.DictField(allow_null=True)
    trusted_fields = serializers.ListField(child=serializers.CharField())
    locale = serializers.CharField()
    timezone = serializers.CharField()
    resource_policy = serializers.CharField()
    findings = FindingSerializer(many=True)

    def get_html_source(self, version: TemplateVersion) -> str:
        """Return the source, wherever it lies."""
        return sources.html_of(version)

    def get_css_source(self, version: TemplateVersion) -> str:
        """Return the style sheet, wherever it lies."""
        return sources.css_of(version)

    @extend_schema_field(serializers.DictField(child=serializers.CharField()))
    def get_partials(self, version: TemplateVersion) -> dict[str, str]:
        """Return the partials by name."""
        return dict(TemplatePartial.objects.filter(version=version).values_list("name", "source"))

    @extend_schema_field(AssetSerializer(many=True))
    def get_assets(self, version: TemplateVersion) -> Any:
        """Return the assets, without their bytes."""
        return AssetSerializer(TemplateAsset.objects.filter(version=version), many=True).data


class PublishSerializer(StrictSerializer):
    """How to publish."""

    activate = serializers.BooleanField(default=True, help_text="Whether jobs get this version from now on.")
    allow_breaking = serializers.BooleanField(
        default=False, help_text="Publish although callers of the active version may break; that is recorded."
    )


class PartialSerializer(StrictSerializer):
    """A named piece of source."""

    def get_fields(self) -> dict[str, Any]:
        """Return the fields: `source` as an attribute would hide DRF's own."""
        return {
            "name": serializers.CharField(max_length=100, validators=[PART_NAME]),
            "source": serializers.CharField(allow_blank=True, trim_whitespace=False),
        }


class AssetRequestSerializer(StrictSerializer):
    """A file on its way into a draft. What it is, its bytes say."""

    file = serializers.FileField()
    name = serializers.CharField(max_length=100, validators=[PART_NAME])
    type = serializers.ChoiceField(choices=AssetType.choices)


class PreviewSerializer(StrictSerializer):
    """What to look at, and how."""

    payload = serializers.DictField(required=False, help_text="The version's sample if left out.")
    options = DocumentOptionsSerializer(required=False)
    engine = serializers.ChoiceField(choices=_values(Engine), required=False, help_text="To see what another makes.")
    format = serializers.ChoiceField(choices=["pdf", "png"], default="pdf")
    page = serializers.IntegerField(min_value=1, max_value=10_000, default=1, help_text="Which page a PNG shows.")


class NothingSerializer(StrictSerializer):
    """A body without fields: empty, or an empty object."""
