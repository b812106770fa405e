"""Links on the wire."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from downloads_app.models import Delivery, DownloadLink
from pdfservice.lib.addresses import parse_network
from pdfservice.lib.serializers import StrictSerializer

LONGEST_TTL_SECONDS = int(timedelta(days=30).total_seconds())
MOST_USES = 1000
MOST_NETWORKS = 100


@extend_schema_field(OpenApiTypes.STR)
class NetworkField(serializers.CharField):
    """A network in CIDR notation, such as 10.0.0.0/8 or 2001:db8::/32; a lone address is a network of one."""

    def to_internal_value(self, data: Any) -> str:
        """Return the network's usual spelling; raise ValidationError."""
        text = super().to_internal_value(data)
        try:
            return str(parse_network(text))
        except ValueError as error:
            reason = f"{text[:60]} is not a network in CIDR notation, such as 10.0.0.0/8: {error}."
            raise serializers.ValidationError(reason) from error


class LinkRequestSerializer(StrictSerializer):
    """What a caller may say about a new link; its validated data are arguments of `link_create`."""

    ttl_seconds = serializers.IntegerField(default=900, min_value=1, max_value=LONGEST_TTL_SECONDS)
    max_uses = serializers.IntegerField(default=1, min_value=1, max_value=MOST_USES)
    ip_whitelist = serializers.ListField(
        child=NetworkField(), default=list, max_length=MOST_NETWORKS, help_text="An empty list lets every address in."
    )
    delivery = serializers.ChoiceField(
        choices=[Delivery.STREAM.value, Delivery.PRESIGNED.value],
        default=Delivery.STREAM.value,
        help_text="`presigned` redirects to the S3 server; not together with `ip_whitelist`.",
    )
    preview = serializers.BooleanField(default=False, help_text="Show a picture of the first page on the link's page.")


class LinkSerializer(serializers.Serializer[dict[str, Any]]):
    """A link as callers see it; `link_representation` fills it."""

    id = serializers.UUIDField()
    url = serializers.URLField(required=False, help_text="The page for people; only in the answer that made the link.")
    download_url = serializers.URLField(
        required=False, help_text="The file for programs; only in the answer that made the link."
    )
    expires_at = serializers.DateTimeField()
    max_uses = serializers.IntegerField()
    use_count = serializers.IntegerField()
    ip_whitelist = serializers.ListField(child=serializers.CharField())
    delivery = serializers.CharField()
    preview = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)


def link_representation(link: DownloadLink, token: str | None = None) -> dict[str, Any]:
    """Return the shape of a link in docs/api.md; with its addresses when the token is known."""
    shape: dict[str, Any] = {
        "id": link.external_id,
        "expires_at": link.expires_at,
        "max_uses": link.max_uses,
        "use_count": link.use_count,
        "ip_whitelist": link.ip_whitelist,
        "delivery": link.delivery,
        "preview": link.shows_preview,
        "created_at": link.created_at,
        "revoked_at": link.revoked_at,
    }
    if token is not None:
        shape["url"] = f"{settings.PUBLIC_URL}/d/{token}"
        shape["download_url"] = f"{settings.PUBLIC_URL}/d/{token}/file"
    return dict(LinkSerializer(shape).data)
