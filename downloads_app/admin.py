"""Files, links and their uses in the admin, for superusers and only to look at."""

from __future__ import annotations

from typing import TypeVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from downloads_app.models import DownloadLink, LinkRedemption, StoredFile

Row = TypeVar("Row", bound=Model)


class LookOnlyAdmin(admin.ModelAdmin[Row]):
    """Shows every team's rows to superusers and changes none: only the services know what belongs together."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Grant it to superusers."""
        return request.user.is_active and request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """Grant it to superusers."""
        return request.user.is_active and request.user.is_superuser

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """Refuse."""
        return False


@admin.register(StoredFile)
class StoredFileAdmin(LookOnlyAdmin[StoredFile]):
    """What we hold, and what of it storage still has to let go."""

    list_display = ["filename", "team", "state", "size_bytes", "created_at", "expires_at", "bytes_deleted_at"]
    list_filter = ["state", ("bytes_deleted_at", admin.EmptyFieldListFilter), "team"]
    list_select_related = ["team"]
    search_fields = ["filename", "key", "sha256", "external_id"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]


@admin.register(DownloadLink)
class DownloadLinkAdmin(LookOnlyAdmin[DownloadLink]):
    """Who may still get what."""

    list_display = ["external_id", "file", "team", "use_count", "max_uses", "created_at", "expires_at", "revoked_at"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter), "file__team"]
    list_select_related = ["file__team"]
    search_fields = ["external_id", "file__filename", "file__external_id"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]

    @admin.display(ordering="file__team")
    def team(self, link: DownloadLink) -> str:
        """Return whose file it opens."""
        return str(link.file.team)


@admin.register(LinkRedemption)
class LinkRedemptionAdmin(LookOnlyAdmin[LinkRedemption]):
    """Who got what."""

    list_display = ["at", "file", "link_id", "address", "bytes_sent", "complete", "agent"]
    list_filter = ["complete", "link__file__team"]
    list_select_related = ["link__file"]
    search_fields = ["address", "agent", "link__external_id", "link__file__filename"]
    date_hierarchy = "at"
    ordering = ["-at"]

    @admin.display(ordering="link__file__filename")
    def file(self, redemption: LinkRedemption) -> str:
        """Return what left."""
        return str(redemption.link.file)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LinkRedemption]:
        """Return all uses with their links and files."""
        return super().get_queryset(request).select_related("link__file")
