"""Sources without what their authors commented out, every other character in its place."""

from __future__ import annotations

import re

from templates_app.renderer.contracts import Language

_HTML = r"<!--.*?-->"
_CSS = r"/\*.*?\*/"
_OF_LANGUAGE = {
    Language.JINJA2: r"\{#.*?#\}",
    Language.MJML: r"\{#.*?#\}",
    Language.HANDLEBARS: r"\{\{~?!--.*?--~?\}\}|\{\{~?![^}]*\}\}",
}


def without_comments(text: str, language: Language) -> str:
    """Return `text` with blanks for its comments."""
    patterns = [_HTML, _CSS, *filter(None, [_OF_LANGUAGE.get(language)])]
    return re.sub("|".join(patterns), _blank, text, flags=re.DOTALL)


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])
