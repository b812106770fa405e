"""HTML as it is: the payload plays no part."""

from __future__ import annotations

from templates_app.renderer.contracts import RenderSpec


def write_html(spec: RenderSpec) -> str:
    """Return the source untouched."""
    return spec.html_source
