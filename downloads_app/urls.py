"""Addresses of links: pages for people at /d/, calls for programs at /pdf/links/."""

from django.urls import path, re_path, register_converter

from downloads_app.api import LinkDetail
from downloads_app.page_parts import LinkColours, LinkLogo, LinkPreview
from downloads_app.views import LinkFile, LinkPage, nothing_here


class LinkToken:
    """Exactly what `new_token` makes."""

    regex = "[A-Za-z0-9_-]{43}"

    def to_python(self, value: str) -> str:
        """Return the token."""
        return value

    def to_url(self, value: str) -> str:
        """Return the token."""
        return value


register_converter(LinkToken, "link_token")

app_name = "downloads"
urlpatterns = [
    path("d/<link_token:token>", LinkPage.as_view(), name="page"),
    path("d/<link_token:token>/file", LinkFile.as_view(), name="file"),
    path("d/<link_token:token>/colours.css", LinkColours.as_view(), name="colours"),
    path("d/<link_token:token>/logo", LinkLogo.as_view(), name="logo"),
    path("d/<link_token:token>/preview", LinkPreview.as_view(), name="preview"),
    # Whatever else begins so is a link that somebody cut off or mistyped: it gets the page of a wrong one.
    re_path(r"^d(?:/[\s\S]*)?\Z", nothing_here, name="nothing"),
    path("pdf/links/<uuid:link_id>", LinkDetail.as_view(), name="link-detail"),
]
