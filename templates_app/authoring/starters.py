"""What a new template begins with: enough to see a page, in each language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from templates_app.renderer.contracts import Language

_CSS = """@page { size: A4; margin: 20mm }
body { font-family: "DejaVu Sans"; font-size: 10.5pt; line-height: 1.5; color: #1a1a1a }
h1 { font-size: 20pt; margin: 0 0 6mm }
"""
_PAGE = """<!doctype html>
<html lang="en">
<head><title>{name}</title></head>
<body>
  <h1>{name}</h1>
  <p>{greeting}</p>
</body>
</html>
"""
_NAMED = {"name": "Ada Lovelace"}


@dataclass(frozen=True, slots=True)
class Starter:
    """The texts and the sample of a first draft."""

    html_source: str
    css_source: str
    sample_payload: dict[str, Any]


def starter(language: Language, *, name: str) -> Starter:
    """Return what a first draft of a template called `name` holds."""
    shown = name.translate({ord(character): None for character in "<>&{}`*"})
    match language:
        case Language.MARKDOWN:
            return Starter(f"# {shown}\n\nDear {{{{ name }}}},\n", _CSS, _NAMED)
        case Language.MJML:
            text = f"<mj-text>Dear {{{{ name }}}}, this is {shown}.</mj-text>"
            column = f"<mj-section>\n      <mj-column>\n        {text}\n      </mj-column>\n    </mj-section>"
            font = '<mj-head><mj-attributes><mj-all font-family="DejaVu Sans" /></mj-attributes></mj-head>'
            return Starter(f"<mjml>\n  {font}\n  <mj-body>\n    {column}\n  </mj-body>\n</mjml>\n", "", _NAMED)
        case Language.RAW_HTML:
            return Starter(_PAGE.format(name=shown, greeting="This page takes no payload."), _CSS, {})
    return Starter(_PAGE.format(name=shown, greeting="Dear {{ name }},"), _CSS, _NAMED)
