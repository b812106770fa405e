"""What must be right before a document is rendered on this host."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

from templates_app.renderer.confinement import confinement_problem


@register()
def renderer_is_confined(**_: Any) -> list[CheckMessage]:
    """Refuse to run where the kernel cannot confine the renderer, unless a setting allows it."""
    problem = confinement_problem()
    if problem is None:
        return []
    if settings.RENDER_ALLOW_UNCONFINED:
        return [
            CheckWarning(
                f"The renderer runs unconfined: {problem}",
                hint="Whoever writes templates can read what this service can read. Unset RENDER_ALLOW_UNCONFINED.",
                id="templates_app.W001",
            )
        ]
    return [
        Error(
            f"The renderer cannot be confined: {problem}",
            hint="Use a kernel with Landlock and seccomp (Linux 5.13 or newer), "
            "or set RENDER_ALLOW_UNCONFINED=yes if you trust every template and payload.",
            id="templates_app.E001",
        )
    ]
