"""HTML from a payload, cleaned: document markup stays, everything that acts or reaches out goes."""

from __future__ import annotations

import re

import nh3

_TAGS = """
a abbr b bdi bdo blockquote br caption cite code col colgroup dd del dfn div dl dt em figcaption figure h1 h2
h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp section small span strong sub sup table
tbody td tfoot th thead time tr u ul var wbr
"""
_ATTRIBUTES = {
    "*": {"class", "dir", "id", "lang", "style", "title"},
    "a": {"href"},
    "blockquote": {"cite"},
    "col": {"span"},
    "colgroup": {"span"},
    "del": {"datetime"},
    "img": {"src", "alt", "width", "height"},
    "ins": {"datetime"},
    "li": {"value"},
    "ol": {"start", "reversed", "type"},
    "q": {"cite"},
    "td": {"colspan", "rowspan", "headers"},
    "th": {"colspan", "rowspan", "headers", "scope"},
    "time": {"datetime"},
}
# Looks, not places: nothing here covers what the template prints, or names a URL.
_STYLES = """
background-color border border-collapse border-color border-style border-width color direction font-size
font-style font-variant font-weight letter-spacing line-height list-style-type margin margin-bottom
margin-left margin-right margin-top padding padding-bottom padding-left padding-right padding-top text-align
text-decoration text-indent text-transform vertical-align white-space width height break-after break-before
break-inside page-break-after page-break-before page-break-inside
"""
_SCHEMES = {"asset", "data", "http", "https", "mailto", "tel"}
_IMAGE = re.compile(r"asset:|data:image/(?:png|jpeg|gif|webp)[;,]", re.IGNORECASE)
_LINK = re.compile(r"https?:|mailto:|tel:|#", re.IGNORECASE)
_HALF_CHARACTERS = re.compile("[\ud800-\udfff]")
_SPAN = re.compile(r"\d{1,3}")


def clean(html: str) -> str:
    """Return `html` without scripts, styles that move or fetch, event handlers, forms, frames and remote images."""
    return _cleaner.clean(_HALF_CHARACTERS.sub("\ufffd", html))


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "src":
        return value if _IMAGE.match(value.strip()) else None
    if name in {"href", "cite"}:
        return value if _LINK.match(value.strip()) else None
    if name in {"colspan", "rowspan", "span"}:
        return value if _SPAN.fullmatch(value.strip()) else None
    return value


_cleaner = nh3.Cleaner(
    tags=set(_TAGS.split()),
    attributes=_ATTRIBUTES,
    attribute_filter=_attribute,
    url_schemes=_SCHEMES,
    filter_style_properties=set(_STYLES.split()),
    link_rel=None,
    strip_comments=True,
)
