"""What all renderers are given: the same three documents, as a spec for ours and as one HTML file for the others."""

from __future__ import annotations

import base64
import json
import re
import sys
import tomllib
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a script, Python finds only what lies beside it

from templates_app.renderer.author_style import with_author_style  # noqa: E402  # see above
from templates_app.renderer.contracts import Asset, Engine, Language, RenderSpec  # noqa: E402  # see above

SAMPLES = ROOT / "templates_app" / "samples"
_ASSET = re.compile(r"asset:([\w.-]+)")


@dataclass(frozen=True)
class Document:
    """One of the three: `template` is the slug of the service's template, without its engine."""

    name: str
    template: str
    payload: dict[str, Any]

    def spec(self, engine: Engine) -> RenderSpec:
        """Return it for our renderer."""
        folder = SAMPLES / self.template
        manifest = tomllib.loads((folder / "template.toml").read_text())
        return RenderSpec(
            language=Language(manifest["language"]),
            engine=engine,
            html_source=(folder / "template.html").read_text(),
            css_source=(folder / "style.css").read_text(),
            payload=json.dumps(self.payload).encode(),
            assets=tuple(
                Asset(each["name"], each["content_type"], (folder / each["file"]).read_bytes())
                for each in manifest.get("assets", [])
            ),
            title=manifest.get("title", ""),
            locale=manifest.get("locale", "en"),
            timezone=manifest.get("timezone", "UTC"),
            created_at="2026-01-02T03:04:05Z",
        )

    def html(self) -> str:
        """Return it filled in and with its fonts and pictures inside, for renderers that know no assets."""
        from templates_app.renderer.languages import LANGUAGES

        spec = self.spec(Engine.WEASYPRINT)
        files = {asset.name: asset for asset in spec.assets}

        def inline(found: re.Match[str]) -> str:
            asset = files[unescape(found[1])]
            return f"data:{asset.content_type};base64,{base64.b64encode(asset.data).decode()}"

        return _ASSET.sub(inline, with_author_style(LANGUAGES[spec.language](spec), spec.css_source))


def documents() -> list[Document]:
    """Return the three."""
    invoice: dict[str, Any] = json.loads((SAMPLES / "invoice" / "sample.json").read_text())
    report: dict[str, Any] = json.loads((SAMPLES / "monthly-report" / "sample.json").read_text())
    items = invoice["items"]
    rows = {**invoice, "items": [items[number % len(items)] for number in range(500)]}
    return [
        Document("invoice", "invoice", invoice),
        Document("report", "monthly-report", report),
        Document("500 rows", "invoice", rows),
    ]
