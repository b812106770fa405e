"""Whether a payload fits a version's schema: at once where that is provably quick, else in a confined child."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jsonschema_rs

from pdfservice.lib.errors import Fault
from templates_app.models import TemplateVersion, VersionStatus
from templates_app.renderer import schemas
from templates_app.renderer.contracts import ErrorCode, RenderError
from templates_app.renderer.frames import FrameInvalid
from templates_app.renderer.sandbox import Task
from templates_app.renderer.wire import clean_text
from templates_app.renderer_pools import schema_pool
from templates_app.schema_cost import SchemaCost, schema_cost

# 25 ns each: a tenth of a second at the very worst, a hundredth of that for what people send.
_MAX_STEPS = 4_000_000
_PATTERN_KB = 1024
_POINTER_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class _QuickCheck:
    validator: jsonschema_rs.Draft202012Validator
    cost: SchemaCost


def payload_faults(version: TemplateVersion, payload: Any) -> list[Fault]:
    """Return everything in `payload` that the version's schema does not allow; a version without one allows anything.

    The pointers begin with `/payload`. Raises ServiceError: 429 while too many checks are under way.
    """
    if version.payload_schema is None:
        return []
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    if version.status != VersionStatus.DRAFT and _fits_quickly(version, payload, text):
        return []
    return _faults_from_child(version, text)


def _fits_quickly(version: TemplateVersion, payload: Any, text: str) -> bool:
    """Say whether the payload fits, where that can be found out here; False leaves the question open.

    Naming faults takes a thousand times longer than finding none, so that is never done here.
    """
    check = _quick_check(version.pk, version.content_hash)
    return check is not None and check.cost.steps(text) <= _MAX_STEPS and check.validator.is_valid(payload)


@lru_cache(maxsize=128)
def _quick_check(version_id: int, content_hash: str) -> _QuickCheck | None:
    schema = TemplateVersion.objects.values_list("payload_schema", flat=True).get(pk=version_id)
    cost = schema_cost(schema)
    if cost is None:
        return None
    try:
        return _QuickCheck(schemas.compile_schema(schema, pattern_kb=_PATTERN_KB), cost)
    except schemas.SchemaInvalid:
        return None  # a pattern that grows large, or a version from before schemas were checked


def _faults_from_child(version: TemplateVersion, text: str) -> list[Fault]:
    schema = json.dumps(version.payload_schema).encode()
    task = Task("validate_payload", {}, [schema, text.encode()], _read_faults)
    try:
        return schema_pool.perform(task, tenant=str(version.template.team_id))
    except RenderError as error:
        return [Fault("/payload", _UNCHECKED.get(error.code, "The payload could not be checked against the schema."))]


_UNCHECKED = {
    ErrorCode.RENDER_TIMEOUT: "Checking the payload against the schema takes too long.",
    ErrorCode.RENDER_MEMORY: "Checking the payload against the schema takes too much memory.",
}


def _read_faults(result: dict[str, Any], blobs: Sequence[bytes]) -> list[Fault]:
    match result:
        case {"faults": list(found)} if len(found) <= schemas.MAX_FAULTS + 1:
            return [_read_fault(fault) for fault in found]
    raise FrameInvalid("a list of faults expected")


def _read_fault(fault: Any) -> Fault:
    match fault:
        case [str(pointer), str(message)]:
            where = clean_text(f"/payload{pointer}", _POINTER_CHARS)
            return Fault(where, clean_text(message, schemas.MAX_FAULT_CHARS))
    raise FrameInvalid("a pointer and a message expected")
