"""Run one stage of the checks before publishing. Blobs: a spec's, then schema, sample and active schema, if any."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from templates_app.renderer.findings import MAX_FINDINGS, Finding, error, pack_findings
from templates_app.renderer.version_checks import STAGES, Check
from templates_app.renderer.version_checks.subject import Subject
from templates_app.renderer.wire import unpack_spec


def perform(arguments: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """Return `findings`. Arguments: `stage`, `spec` (its header), and which of the three further blobs there are."""
    *of_spec, schema, sample, active_schema = blobs
    subject = Subject(
        spec=unpack_spec(arguments["spec"], of_spec),
        payload_schema=json.loads(schema),
        sample=json.loads(sample),
        active_schema=json.loads(active_schema),
        has_active_version=arguments["has_active_version"],
    )
    findings: list[Finding] = []
    for check in STAGES[arguments["stage"]]:
        findings += _run(check, subject)
    return pack_findings(list(dict.fromkeys(findings))[:MAX_FINDINGS]), []


def _run(check: Check, subject: Subject) -> Iterator[Finding]:
    """Yield what a check finds; what it stumbles over is a finding too, so that no other check is lost."""
    try:
        yield from check(subject)
    except MemoryError:
        raise
    except Exception as problem:
        name = check.__module__.rpartition(".")[2]
        yield error("check_failed", f"The check {name} failed: {type(problem).__name__}: {problem}")
