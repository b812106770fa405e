"""The templates that come with the service, read from templates_app/samples/ (its README says how a folder looks)."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from templates_app.models import AssetType
from templates_app.renderer.contracts import Engine, Language
from templates_app.services import NewAsset, VersionSource

SAMPLES = Path(__file__).parent / "samples"


def sample_slugs() -> list[str]:
    """Return the slugs of all samples."""
    return sorted(path.parent.name for path in SAMPLES.glob("*/template.toml"))


def sample_name(slug: str) -> str:
    """Return the name that people see."""
    return str(_manifest(slug)["name"])


def sample_source(slug: str) -> VersionSource:
    """Return everything that makes the sample's version."""
    folder, manifest = SAMPLES / slug, _manifest(slug)
    return VersionSource(
        language=Language(str(manifest["language"])),
        engine=Engine(str(manifest["engine"])),
        html_source=(folder / str(manifest.get("source", "template.html"))).read_text(),
        css_source=(folder / "style.css").read_text(),
        payload_schema=json.loads((folder / "schema.json").read_text()),
        sample_payload=json.loads((folder / "sample.json").read_text()),
        title=str(manifest.get("title", "")),
        note="Comes with the service",
        trusted_fields=manifest.get("trusted_fields", []),
        locale=str(manifest.get("locale", "en")),
        timezone=str(manifest.get("timezone", "UTC")),
        partials={path.stem: path.read_text() for path in sorted((folder / "partials").glob("*.*"))},
        assets=[_asset(folder, entry) for entry in manifest.get("assets", [])],
    )


def _manifest(slug: str) -> dict[str, Any]:
    return tomllib.loads((SAMPLES / slug / "template.toml").read_text())


def _asset(folder: Path, entry: dict[str, str]) -> NewAsset:
    return NewAsset(
        name=entry["name"],
        asset_type=AssetType(entry["type"]),
        content_type=entry["content_type"],
        data=(folder / entry["file"]).read_bytes(),
    )
