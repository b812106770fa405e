"""Previews: a document of a version in whatever state, made while its author waits and kept nowhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pdfservice.lib.errors import Fault, ServiceError
from templates_app.models import TemplateVersion
from templates_app.payloads import payload_faults
from templates_app.renderer.contracts import Engine, ErrorCode, PageOptions, RenderError
from templates_app.renderer.finishes import Finish
from templates_app.renderer.frames import FrameInvalid
from templates_app.renderer.sandbox import Task
from templates_app.renderer.wire import pack_spec
from templates_app.renderer_pools import authoring_pool
from templates_app.rendering import version_spec

_MAX_COUNT = 1_000_000
_NO_DATE = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """The bytes of a PDF or a PNG, none for a page that is not there, and how many pages the document has."""

    data: bytes
    content_type: str
    page_count: int


def version_preview(
    *,
    version: TemplateVersion,
    payload: Any,
    page_options: PageOptions,
    finish: Finish,
    engine: Engine | None,
    png_page: int | None,
) -> Preview:
    """Make a document of `version` with `payload` (None: its sample); `png_page` asks for a picture of that page.

    Raises ServiceError: 422 when the payload does not fit or the document cannot be made, 429 when too many previews
    are under way.
    """
    payload = (version.sample_payload or {}) if payload is None else payload
    if faults := payload_faults(version, payload):
        raise ServiceError(422, "payload_invalid", "The payload does not fit the schema; see errors.", faults)
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    spec = version_spec(version, text, created_at=_NO_DATE, page=page_options, finish=finish, engine=engine)
    header, blobs = pack_spec(spec)
    task = Task("preview", {"spec": header, "page": png_page}, blobs, _read_preview)
    try:
        preview = authoring_pool.perform(task, tenant=str(version.template.team_id))
    except RenderError as error:
        raise render_refusal(error) from error
    if not preview.data:
        message = f"The document has {preview.page_count} page{'s' * (preview.page_count != 1)}."
        raise ServiceError(422, "page_missing", message, [Fault("/page", message)])
    return preview


def render_refusal(error: RenderError) -> ServiceError:
    """Return the refusal of a document that cannot be made, with its place in the payload or the source."""
    place = f"/payload{error.path}" if error.code is ErrorCode.PAYLOAD_ERROR and error.path else f"/{error.file}"
    numbers = [f"{name} {number}" for name, number in (("line", error.line), ("column", error.column)) if number]
    message = f"{error.message} ({', '.join(numbers)})" if numbers else error.message
    return ServiceError(422, error.code.value, error.message, [Fault(place, message)])


def _read_preview(result: dict[str, Any], blobs: Sequence[bytes]) -> Preview:
    match result, blobs:
        case {"page_count": int(pages), "missing_page": True}, [] if 0 < pages < _MAX_COUNT:
            return Preview(b"", "", pages)
        case {"page_count": int(pages)}, [bytes(data)] if 0 < pages < _MAX_COUNT:
            if data.startswith(b"%PDF-"):
                return Preview(data, "application/pdf", pages)
            if data.startswith(b"\x89PNG\r\n\x1a\n"):
                return Preview(data, "image/png", pages)
    raise FrameInvalid("a preview expected")
