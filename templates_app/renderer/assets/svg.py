"""SVG without scripts, without anything from elsewhere, and without the tricks of XML."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from templates_app.renderer.assets.refusal import AssetRefused

_MAX_ELEMENTS = 50_000
_SVG = "http://www.w3.org/2000/svg"
_FORBIDDEN = frozenset(
    {"script", "handler", "listener", "foreignobject", "iframe", "embed", "object", "audio", "video"}
)
_ALLOWED_REFERENCE = re.compile(r"\s*(?:#|data:image/(?:png|jpeg|webp|gif)[;,])", re.IGNORECASE)
_URL = re.compile(r"""url\(\s*["']?([^"')]*)""", re.IGNORECASE)
_IMPORT = re.compile(r"@import", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_REFERENCES = frozenset({"href", "src"})


def looks_like_one(data: bytes) -> bool:
    """Say whether `data` begins as XML in UTF-8 does."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def inspect(data: bytes) -> str:
    """Return the content type; raise AssetRefused with the first thing that is not harmless."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        tree = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise AssetRefused(f"The SVG is broken: {error.msg}") from error
    dtd = tree.getroottree().docinfo.internalDTD
    if dtd is not None and dtd.entities():
        raise AssetRefused("The SVG defines entities.")
    if etree.QName(tree).localname != "svg" or etree.QName(tree).namespace not in {_SVG, None}:
        raise AssetRefused("The file is XML, but no SVG.")
    for number, node in enumerate(tree.getroottree().getroot().iter()):
        if number > _MAX_ELEMENTS:
            raise AssetRefused(f"The SVG has more than {_MAX_ELEMENTS} elements.")
        _check_node(node)
    for sibling in (*tree.itersiblings(preceding=True), *tree.itersiblings()):
        _check_node(sibling)
    return "image/svg+xml"


def _check_node(node: Any) -> None:
    if not isinstance(node.tag, str):
        raise AssetRefused("The SVG has a processing instruction or an entity.")
    name = etree.QName(node).localname.lower()
    if name in _FORBIDDEN:
        raise AssetRefused(f"The SVG has a {name} element.")
    if name == "style":
        _check_css("".join(node.itertext()))
    for attribute, value in node.attrib.items():
        _check_attribute(etree.QName(attribute).localname.lower(), value)


def _check_attribute(name: str, value: str) -> None:
    if name.startswith("on"):
        raise AssetRefused(f"The SVG has a script in {name}.")
    if name in _REFERENCES and not _ALLOWED_REFERENCE.match(value):
        raise AssetRefused(f"The SVG refers to {value.strip()[:80]!r}, outside itself.")
    if name in {"from", "to", "values", "by"} and re.search(r"javascript:|https?:", value, re.IGNORECASE):
        raise AssetRefused("The SVG animates a reference.")
    _check_css(value)


def _check_css(css: str) -> None:
    plain = _ESCAPE.sub(_unescape, _COMMENT.sub("", css))
    if _IMPORT.search(plain):
        raise AssetRefused("The SVG imports a style sheet.")
    for target in _URL.findall(plain):
        if not _ALLOWED_REFERENCE.match(target):
            raise AssetRefused(f"The SVG refers to {target.strip()[:80]!r}, outside itself.")


def _unescape(match: re.Match[str]) -> str:
    """Return the character that a CSS escape stands for."""
    return chr(min(int(match[1], 16), 0x10FFFF)) if match[1] else match[2]
