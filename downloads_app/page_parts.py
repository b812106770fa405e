"""What the page of a link consists of besides its text: the team's colour and logo, and a picture of the document.

Each is opened by the token as the page is, spends nothing, and is gone when the link is.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from downloads_app.services import preview_read
from downloads_app.views import LinkView, peek
from pdfservice.lib import storage
from pdfservice.lib.colours import BLACK, SHAPE_CONTRAST, TEXT_CONTRAST, WHITE, Colour, ink_on, parse_colour, visible_on
from pdfservice.lib.errors import ServiceError

# The cards of static/downloads_app/link.css.
_CARDS = {"light": WHITE, "dark": Colour(0x19, 0x1F, 0x2B)}
_STRONGER = 0.15


class LinkPart(LinkView):
    """A part of the page: refused without words."""

    http_method_names = ["get", "head"]

    def refused(self, request: HttpRequest, error: ServiceError) -> HttpResponse:
        """Return the status alone."""
        return HttpResponse(status=error.status)


class LinkColours(LinkPart):
    """The team's colour as a style sheet, so that the page needs no inline style."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Return the properties that link.css uses; none for a team without a colour."""
        chosen = peek(request, token).file.team.brand_color
        return HttpResponse(style_sheet(parse_colour(chosen)) if chosen else "", content_type="text/css")


class LinkLogo(LinkPart):
    """The team's logo."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Return the picture, or 404 for a team without one."""
        team = peek(request, token).file.team
        if not team.logo_key:
            return HttpResponse(status=404)
        try:
            return _picture(storage.read(team.logo_key), team.logo_content_type)
        except storage.ObjectMissing:
            return HttpResponse(status=404)


class LinkPreview(LinkPart):
    """The picture of the first page."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Return the picture, or 404 where the link's maker did not ask for one."""
        link = peek(request, token)
        picture = preview_read(file=link.file) if link.shows_preview else None
        return HttpResponse(status=404) if picture is None else _picture(picture, "image/png")


def style_sheet(colour: Colour) -> str:
    """Return CSS in which `colour` keeps its look where it is a ground, and can be read where it is ink."""
    light, dark = (_properties(colour, card) for card in _CARDS.values())
    return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"


def _properties(colour: Colour, card: Colour) -> str:
    ink = ink_on(colour)
    properties = {
        "--accent": colour,
        "--accent-strong": colour.mixed(BLACK if ink == WHITE else WHITE, _STRONGER),
        "--on-accent": ink,
        "--edge": visible_on(colour, card, contrast=SHAPE_CONTRAST),
        "--mark": visible_on(colour, card, contrast=TEXT_CONTRAST),
    }
    return " ".join(f"{name}: {value};" for name, value in properties.items())


def _picture(content: bytes, content_type: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    # An SVG that somebody opens by itself is a document of our origin: it gets to do nothing.
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response
