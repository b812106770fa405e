"""The events that endpoints may ask for, and what each tells: ids, hashes and addresses, nothing of a payload."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from jobs_app.models import Job
from jobs_app.states import Kind
from pdfservice.teams.models import AuditEvent

EVENTS = (
    "job.done",
    "job.failed",
    "job.cancelled",
    "job.expired",
    "batch.done",
    "batch.failed",
    "batch.cancelled",
    "link.created",
    "link.redeemed",
    "link.refused",
    "link.revoked",
)
TEST_EVENT = "webhook.test"
# What of an audit event is told, and as what. Addresses and agents of those who use links stay here.
_TOLD = {
    "pages": "page_count",
    "sha256": "output_hash",
    "code": "error_code",
    "attempt": "attempt_count",
    "counts": "counts",
    "reason": "reason",
    "delivery": "delivery",
    "max_uses": "max_uses",
    "expires_at": "expires_at",
}


def bodies(events: Sequence[AuditEvent]) -> list[tuple[AuditEvent, str]]:
    """Return what is posted for each event, as JSON text; nothing for the service's own business."""
    jobs = _jobs([event.subject_id for event in events if event.subject_type == "job" and event.subject_id])
    told = []
    for event in events:
        match event.subject_type:
            case "job":
                about = jobs.get(event.subject_id)
            case "batch":
                about = {"id": str(event.subject_id), "batch_url": _address("batch", batch_id=event.subject_id)}
            case _:
                about = {"id": str(event.subject_id), **_job_of_file(str(event.data.get("file") or ""))}
        if about is not None:
            told.append((event, body(event.action, event.at.isoformat(), {**about, **_extract(event.data)})))
    return told


def body(event: str, at: str, data: Mapping[str, Any]) -> str:
    """Return a message in the shape that Standard Webhooks recommends."""
    return json.dumps({"type": event, "timestamp": at, "data": data}, ensure_ascii=False, separators=(",", ":"))


def _extract(data: Mapping[str, Any]) -> dict[str, Any]:
    return {told: data[name] for name, told in _TOLD.items() if data.get(name) is not None}


def _jobs(ids: Sequence[UUID]) -> dict[UUID | None, dict[str, Any]]:
    """Describe jobs by their id, without those that expand batches, which callers do not see."""
    if not ids:
        return {}
    rows = Job.objects.filter(external_id__in=ids).exclude(kind=Kind.EXPAND)
    shown = rows.values_list("external_id", "kind", "template_version__template__slug", "template_version__version")
    return {
        job_id: {
            "id": str(job_id),
            "kind": kind,
            "template": slug,
            "version": version,
            "status_url": _address("job", job_id=job_id),
        }
        for job_id, kind, slug, version in shown
    }


def _job_of_file(file_id: str) -> dict[str, str]:
    if not file_id:
        return {}
    job_id = Job.objects.filter(output__external_id=file_id).values_list("external_id", flat=True).first()
    return {"job": str(job_id), "status_url": _address("job", job_id=job_id)} if job_id else {}


def _address(name: str, **ids: UUID | None) -> str:
    return settings.PUBLIC_URL + reverse(name, kwargs=ids)
