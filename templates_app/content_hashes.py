"""The hash of everything that shapes a version's output: equal hashes, equal documents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

import rfc8785

from templates_app import sources
from templates_app.models import TemplateAsset, TemplatePartial, TemplateVersion

# Name, content type and SHA-256 of an asset.
AssetParts = tuple[str, str, str]


class _Parts(TypedDict):
    partials: Mapping[str, str]
    assets: Iterable[AssetParts]


def content_hash(
    columns: Mapping[str, Any], *, html: str, css: str, partials: Mapping[str, str], assets: Iterable[AssetParts]
) -> str:
    """Return the SHA-256 in hex over canonical JSON (RFC 8785) of a version's columns, texts, partials and assets."""
    parts = {
        **{name: columns[name] for name in ("language", "engine", "payload_schema", "title", "locale", "timezone")},
        "trusted_fields": sorted(columns["trusted_fields"]),
        "html_source": html,
        "css_source": css,
        "partials": dict(partials),
        "assets": sorted(map(list, assets)),
    }
    if columns["resource_policy"] != "warn":
        parts["resource_policy"] = columns["resource_policy"]
    try:
        canonical = rfc8785.dumps(parts)
    except rfc8785.CanonicalizationError:  # a whole number beyond 2^53 in the schema
        parts["payload_schema"] = repr(parts["payload_schema"])
        canonical = rfc8785.dumps(parts)
    return hashlib.sha256(canonical).hexdigest()


def row_hash(version: TemplateVersion) -> str:
    """Return a hash that changes when any row of a version does, its sample included; it reads nothing but rows."""
    names = ("html_source", "html_source_key", "css_source", "css_source_key", "sample_payload", "resource_policy")
    return content_hash(
        vars(version),
        html=repr([getattr(version, name) for name in names]),
        css="",
        **_parts(version),
    )


def version_hash(version: TemplateVersion) -> str:
    """Return the content hash of a version as its rows are now; raises as `sources` does."""
    return content_hash(
        vars(version),
        html=sources.html_of(version),
        css=sources.css_of(version),
        **_parts(version),
    )


def _parts(version: TemplateVersion) -> _Parts:
    return {
        "partials": dict(TemplatePartial.objects.filter(version=version).values_list("name", "source")),
        "assets": TemplateAsset.objects.filter(version=version).values_list("name", "content_type", "sha256"),
    }
