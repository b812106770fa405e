"""What a zygote runs that only checks payloads against schemas: none of the engines, so it starts in a moment."""

from __future__ import annotations

from templates_app.renderer.contracts import RenderedDocument, RenderSpec
from templates_app.renderer.tasks import Tasks, validate_payload

TASKS: Tasks = {"validate_payload": validate_payload.perform}


def warm() -> None:
    """Load what every validation needs."""
    validate_payload.perform({}, [b'{"required": ["a"]}', b"{}"])


def answer(spec: RenderSpec) -> RenderedDocument:
    """Refuse: documents are made by another program."""
    raise NotImplementedError("this program makes no documents")
