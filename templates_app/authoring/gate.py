"""The checks before publishing, each stage in a confined process of its own time limit."""

from __future__ import annotations

import json

from templates_app.models import TemplateVersion
from templates_app.renderer.contracts import RenderError
from templates_app.renderer.findings import Finding, error, in_order, unpack_findings
from templates_app.renderer.sandbox import Task
from templates_app.renderer.wire import pack_spec
from templates_app.renderer_pools import authoring_pool
from templates_app.rendering import version_spec

# The names of STAGES in templates_app/renderer/version_checks, which only a child may load.
_STAGES = ("schema", "sources", "document")
_FILES = {"schema": "payload_schema"}


def version_findings(version: TemplateVersion) -> list[Finding]:
    """Return everything that any check finds in `version`; errors first, then by file and line.

    Raises ServiceError: 429 while too many previews and checks are under way.
    """
    sample = json.dumps(version.sample_payload)
    spec = version_spec(version, sample if version.sample_payload is not None else "{}", created_at="")
    active = version.template.active_version
    header, blobs = pack_spec(spec)
    arguments = {"spec": header, "has_active_version": active is not None}
    schemas = [json.dumps(version.payload_schema), sample, json.dumps(active.payload_schema if active else None)]
    findings: list[Finding] = []
    for stage in _STAGES:
        task: Task[list[Finding]] = Task(
            "check_version",
            {**arguments, "stage": stage},
            [*blobs, *(text.encode() for text in schemas)],
            unpack_findings,
        )
        try:
            found = authoring_pool.perform(task, tenant=str(version.template.team_id))
        except RenderError as failure:
            findings.append(error(failure.code.value, failure.message, _FILES.get(stage, "html_source")))
        else:
            findings += found
    return in_order(findings)
