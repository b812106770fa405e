"""Links over the API, by their id."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from downloads_app.models import DownloadLink
from downloads_app.serializers import link_representation
from downloads_app.services import link_revoke
from pdfservice.lib.errors import not_found
from pdfservice.teams.callers import caller_of
from pdfservice.teams.scopes import Scope

__all__ = ["LinkDetail", "link_representation"]


class LinkDetail(APIView):
    """One link of the caller's team."""

    scopes = {"DELETE": (Scope.LINKS_WRITE,)}

    @extend_schema(operation_id="revoke_link", tags=["Links"], summary="Withdraw a link", responses={204: None})
    def delete(self, request: Request, link_id: UUID) -> Response:
        """Withdraw a link for good: from now on it answers 410. Doing so again changes nothing."""
        caller = caller_of(request)
        links = DownloadLink.objects.for_team(caller.team).select_related("file")
        link = links.filter(external_id=link_id).first()
        if link is None:
            raise not_found("link")
        link_revoke(link=link, actor=caller.actor)
        return Response(status=204)
