"""Where the text of a version lies: in its row, or in file storage where it is long."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from pdfservice.lib import storage
from pdfservice.lib.object_cache import objects
from templates_app.models import TemplateAsset, TemplatePartial, TemplateVersion, VersionStatus
from templates_app.renderer.contracts import Asset, Partial
from templates_app.stored_objects import object_put

# Rows stay small, so that lists and claims which read them stay quick.
LARGEST_INLINE_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class PlacedText:
    """A text in one of two places: itself, or the storage key of what is longer than a row should be."""

    text: str = ""
    key: str = ""


def text_place(text: str, *, team_slug: str) -> PlacedText:
    """Store `text` if it is long, once per content of a team, and return where it is; not in a transaction."""
    data = text.encode()
    if len(data) <= LARGEST_INLINE_BYTES:
        return PlacedText(text=text)
    key = storage.source_key(team_slug, hashlib.sha256(data).hexdigest())
    return PlacedText(key=object_put(key, data, content_type="text/plain; charset=utf-8").key)


def html_of(version: TemplateVersion) -> str:
    """Return the version's source; raises ObjectMissing or StorageUnavailable."""
    return objects.read(version.html_source_key).decode() if version.html_source_key else version.html_source


def css_of(version: TemplateVersion) -> str:
    """Return the version's style sheet; raises ObjectMissing or StorageUnavailable."""
    return objects.read(version.css_source_key).decode() if version.css_source_key else version.css_source


def assets_of(version: TemplateVersion) -> tuple[Asset, ...]:
    """Return the version's assets with their bytes; raises ObjectMissing or StorageUnavailable."""
    return tuple(Asset(row.name, row.content_type, objects.read(row.storage_key)) for row in _children(version).assets)


def partials_of(version: TemplateVersion) -> tuple[Partial, ...]:
    """Return the version's partials."""
    return _children(version).partials


@dataclass(frozen=True, slots=True)
class _Children:
    assets: tuple[TemplateAsset, ...]
    partials: tuple[Partial, ...]


def _children(version: TemplateVersion) -> _Children:
    # What is published never changes: two queries less for each of its documents.
    if version.status == VersionStatus.DRAFT:
        return _read_children(version.pk)
    return _frozen_children(version.pk, version.content_hash)


@lru_cache(maxsize=64)
def _frozen_children(version_id: int, content_hash: str) -> _Children:
    return _read_children(version_id)


def _read_children(version_id: int) -> _Children:
    partials = TemplatePartial.objects.filter(version=version_id)
    return _Children(
        assets=tuple(TemplateAsset.objects.filter(version=version_id)),
        partials=tuple(Partial(row.name, row.source) for row in partials),
    )
