"""What a document may load: this version's assets and `data:` URLs. Everything else is refused and remembered."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, unquote_to_bytes

from templates_app.renderer.contracts import Asset

# Relative URLs are resolved against this, which is no asset and no network address.
BASE_URL = "relative:/"
_MAX_PROBLEMS = 200
_SHOWN_URL_CHARS = 200


@dataclass(frozen=True, slots=True)
class Resource:
    """The bytes behind a URL. `content_type` has no parameters; `charset` is empty when nobody named one."""

    content_type: str
    charset: str
    data: bytes


class ResourceRefused(Exception):
    """This URL gives nothing; the message says why."""


class Resources:
    """The resources of one document, and a list of what it asked for in vain."""

    def __init__(self, assets: Iterable[Asset]) -> None:
        self._assets = {asset.name: asset for asset in assets}
        # URL to reason: every URL is reported once.
        self._problems: dict[str, str] = {}

    @property
    def problems(self) -> dict[str, str]:
        """Why each refused URL was refused, in the order of asking."""
        return self._problems

    def fetch(self, url: str) -> Resource:
        """Return what `url` names; raise ResourceRefused, and remember it, when it names nothing we have."""
        try:
            return self._find(url)
        except ResourceRefused as refusal:
            self.note(url, str(refusal))
            raise ResourceRefused(f"{shown(url)}: {refusal}") from refusal

    def note(self, url: str, reason: str) -> None:
        """Remember that `url` gave nothing usable; the first reason given for a URL stays."""
        if len(self._problems) < _MAX_PROBLEMS:
            self._problems.setdefault(shown(url), reason)

    def _find(self, url: str) -> Resource:
        scheme, _, rest = url.strip().partition(":")
        if scheme.lower() == "data":
            return _decode_data(rest)
        if scheme.lower() == "asset":
            return self._asset(rest)
        raise ResourceRefused("only asset: and data: URLs are loaded")

    def _asset(self, rest: str) -> Resource:
        name = rest.partition("#")[0]
        # `font.eot?#iefix` and `logo.svg?v=2` are common; an asset whose own name has a question mark wins.
        for candidate in (name, unquote(name), unquote(name.partition("?")[0])):
            if asset := self._assets.get(candidate):
                return Resource(_media_type(asset.content_type), _charset(asset.content_type), asset.data)
        raise ResourceRefused("it is not among this version's assets")


def shown(url: str) -> str:
    """Return a URL as the author wrote it, short enough to print."""
    url = url.strip()
    # PlutoBook resolves `//host` to `relative://host`, `x` and `/x` to `relative:/x`.
    url = url.removeprefix("relative:" if url.startswith(f"{BASE_URL}/") else BASE_URL)
    return url if len(url) <= _SHOWN_URL_CHARS else f"{url[:60]}…"


def _decode_data(rest: str) -> Resource:
    """Decode the part of a `data:` URL after its scheme (RFC 2397), as forgivingly as browsers do."""
    declaration, comma, body = rest.partition(",")
    if not comma:
        raise ResourceRefused("a data: URL needs a comma")
    declaration = unquote(declaration).strip()
    data = unquote_to_bytes(body)
    if declaration.lower().endswith(";base64"):
        declaration = declaration[: -len(";base64")]
        data = _decode_base64(data)
    content_type = declaration if "/" in declaration else "text/plain" + declaration
    return Resource(_media_type(content_type), _charset(content_type), data)


def _decode_base64(data: bytes) -> bytes:
    compact = b"".join(data.split()).rstrip(b"=")
    try:
        return base64.b64decode(compact + b"=" * (-len(compact) % 4), validate=True)
    except binascii.Error as error:
        raise ResourceRefused("its base64 is broken") from error


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _charset(content_type: str) -> str:
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'")
    return ""
