"""Add a style sheet to a document so that both engines treat it as the author's, after the ones in its head.

Neither engine's own option does: WeasyPrint's `stylesheets` and PlutoBook's `user_style` are user sheets, which lose to
(WeasyPrint) or win over (PlutoBook) every rule of the author's, whatever its selector.
"""

from __future__ import annotations

import re

# What may stand before the end of a head; each alternative ends where the construct ends.
_HEAD_PIECE = re.compile(
    r"""
      \s+ | \ufeff
    | <!--.*?-->
    | <[!?][^>]*>
    | <(?:html|head|meta|link|base)(?=[\s/>])(?:[^>"']|"[^"]*"|'[^']*')*>
    | <(?P<raw>title|style|script|noscript|template)(?=[\s/>])(?:[^>"']|"[^"]*"|'[^']*')*>.*?</(?P=raw)\s*>
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_END_OF_STYLE = re.compile("</(?=style)", re.IGNORECASE)


def with_author_style(html: str, css: str) -> str:
    """Return `html` with `css` in a style element at the end of its head, which parsers make up where there is none."""
    if not css.strip():
        return html
    position = 0
    while piece := _HEAD_PIECE.match(html, position):
        position = piece.end()
    # In CSS `<\/style` is the same string, and it does not end the element.
    element = "<style>" + _END_OF_STYLE.sub(r"<\\/", css) + "</style>"
    return html[:position] + element + html[position:]
