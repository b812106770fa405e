"""The bundled code editor is what its sources and lock file make: users need no node, and nobody edits it by hand."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

SOURCES = Path(settings.BASE_DIR) / "templates_app/editor"
BUNDLE = Path(settings.BASE_DIR) / "templates_app/static/templates_app/editor"


def recorded() -> dict[str, str]:
    """Return the hash of each file as script/editor-bundle wrote it."""
    lines = (BUNDLE / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def test_every_source_and_every_outcome_is_as_it_was_when_the_bundle_was_made() -> None:
    found = {
        **{str(path.relative_to(SOURCES)): path for path in SOURCES.glob("src/*.js")},
        **{name: SOURCES / name for name in ("package.json", "package-lock.json", "licences.js")},
        **{path.name: path for path in BUNDLE.iterdir() if path.name != "SHA256SUMS"},
    }
    digests = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()}
    assert digests == recorded(), "run script/editor-bundle"


def test_every_bundled_package_has_its_licence_beside_the_bundle() -> None:
    licences = (BUNDLE / "LICENSES.txt").read_text()
    packages = json.loads((SOURCES / "package-lock.json").read_text())["packages"]
    for path, package in packages.items():
        if path and not package.get("dev") and not package.get("optional"):
            name = path.removeprefix("node_modules/")
            assert f"{name} {package['version']} (MIT)" in licences
            assert package["integrity"].startswith("sha512-")


@pytest.mark.slow
@pytest.mark.skipif(
    not shutil.which("npm") or os.environ.get("EDITOR_BUNDLE") != "rebuild",
    reason="needs npm and its registry; EDITOR_BUNDLE=rebuild says that both are there",
)
def test_building_anew_makes_the_same_bytes() -> None:
    subprocess.run([settings.BASE_DIR / "script/editor-bundle", "--check"], check=True)
