"""Files, links and their uses in the admin: to look at, and links to take back."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from downloads_app.models import DownloadLink, LinkRedemption, StoredFile
from downloads_app.services.links import link_revoke
from pdfservice.teams.confirmed_actions import question
from pdfservice.teams.scopes import Scope
from pdfservice.teams.team_admin import TeamFilter, TeamScopedAdmin, actor_of, rights_of, short_id


@admin.register(StoredFile)
class StoredFileAdmin(TeamScopedAdmin[StoredFile]):
    """What we hold, and what of it storage still has to let go. Only the services know what belongs together."""

    view_scope = Scope.JOBS_READ
    list_display = ["filename", "team", "state", "size_bytes", "created_at", "expires_at", "bytes_deleted_at"]
    list_filter = ["state", ("bytes_deleted_at", admin.EmptyFieldListFilter), TeamFilter]
    list_select_related = ["team"]
    search_fields = ["filename", "key", "sha256", "external_id"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]


@admin.register(DownloadLink)
class DownloadLinkAdmin(TeamScopedAdmin[DownloadLink]):
    """Who may still get what."""

    team_path = "file__team"
    view_scope = Scope.JOBS_READ
    list_display = [
        short_id("external_id"),
        "file",
        "team",
        "use_count",
        "max_uses",
        "created_at",
        "expires_at",
        "revoked_at",
    ]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter), TeamFilter]
    list_select_related = ["file__team"]
    search_fields = ["external_id", "file__filename", "file__external_id"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    actions = ["revoke"]

    @admin.display(ordering="file__team")
    def team(self, link: DownloadLink) -> str:
        """Return whose file it opens."""
        return str(link.file.team)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Grant it to those who may make links."""
        return self.may(request, Scope.LINKS_WRITE)

    @admin.action(description="Revoke links for good", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[DownloadLink]) -> HttpResponse | None:
        """Ask, revoke, and say how many that was."""
        links = rights_of(request).narrow(queryset, self.team_path, Scope.LINKS_WRITE)
        ask = "These links open nothing from now on. That cannot be taken back."
        if (page := question(self, request, links, action="revoke", ask=ask, button="Revoke")) is not None:
            return page
        revoked = sum(link_revoke(link=link, actor=actor_of(request)) for link in links.select_related("file"))
        self.message_user(request, f"{revoked} of {queryset.count()} links were revoked.")
        return None


@admin.register(LinkRedemption)
class LinkRedemptionAdmin(TeamScopedAdmin[LinkRedemption]):
    """Who got what."""

    team_path = "link__file__team"
    view_scope = Scope.JOBS_READ
    list_display = ["at", "file", "link_id", "address", "delivery", "bytes_sent", "complete", "agent"]
    list_filter = ["complete", TeamFilter]
    list_select_related = ["link__file"]
    search_fields = ["address", "agent", "link__external_id", "link__file__filename"]
    date_hierarchy = "at"
    ordering = ["-at"]

    @admin.display(ordering="link__file__filename")
    def file(self, redemption: LinkRedemption) -> str:
        """Return what left."""
        return str(redemption.link.file)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LinkRedemption]:
        """Return uses with their links and files."""
        return super().get_queryset(request).select_related("link__file")
