"""From a request for many documents to the batch that a worker will expand."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from downloads_app import services as files
from jobs_app import backpressure, dedup, idempotency, transitions
from jobs_app.batches.sources import MAX_ITEMS, seal_source
from jobs_app.models import Batch, Job
from jobs_app.passwords import sealed_for, take_out
from jobs_app.states import Kind, OutputMode, SourceFormat
from jobs_app.submission import kept_seconds
from pdfservice.lib import storage
from pdfservice.lib.errors import ServiceError
from pdfservice.teams.callers import Caller
from templates_app.finishing_options import refuse_impossible
from templates_app.models import TemplateVersion
from templates_app.services import version_resolve
from templates_app.watermark_options import with_watermark


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """Many documents that a caller asks for; `source` holds the items in `source_format`.

    `total` is their number where it is known. `expires_in` counts only without `keeps_default`.
    """

    template: str
    source: bytes = field(repr=False)
    source_format: SourceFormat
    total: int | None = None
    delimiter: str = ""
    version: int | None = None
    priority: int = 5
    output_mode: OutputMode = OutputMode.SEPARATE
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)  # it may hold passwords
    keeps_default: bool = True
    expires_in: int | None = None

    @property
    def at_most(self) -> int:
        """How many documents this may become: for a file no less than it has items."""
        return min(self.source.count(b"\n") + 1, MAX_ITEMS) if self.total is None else self.total

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What tells this request from another, for the idempotency key."""
        named = {name: getattr(self, name) for name in self.__slots__ if name != "source"}
        return {"batch": {**named, "options": dict(self.options), "source": _sha256(self.source)}}


def items_source(items: Sequence[Any]) -> bytes:
    """Return the items of a JSON request as they are stored: one a line."""
    return "\n".join(json.dumps(item, ensure_ascii=False, separators=(",", ":")) for item in items).encode()


def batch_submit(*, caller: Caller, request: BatchRequest, idempotency_key: str | None = None) -> Batch:
    """Accept a batch: its items are stored as they are, and a worker makes jobs of them.

    Raises ServiceError: 404 for an unknown template or version, 409 for a retired version, 422 for a key that came with
    another request, 413 or 429 when the queue has no room for all of it; StorageUnavailable.
    """
    guard = idempotency.guard(caller=caller, key=idempotency_key, body=request.fingerprint)
    if known := guard.recall_batch():
        return known
    version = version_resolve(team=caller.team, slug=request.template, version=request.version)
    refuse_impossible(request.options, engine=version.engine)
    if refused := backpressure.refusal(team=caller.team, count=request.at_most):
        raise refused  # before anything is stored; once more, for good, below
    batch = _new_batch(caller, request, version, options=with_watermark(request.options, team=caller.team))
    key = storage.batch_key(batch.queued_at, batch.external_id)
    file = files.file_reserve(team=caller.team, key=key, filename="items", content_type="application/octet-stream")
    stored = storage.put(key, seal_source(batch, request.source), content_type="application/octet-stream")
    batch.source = file
    try:
        with transaction.atomic():
            if not files.file_confirm(file_id=file.pk, stored=stored, expires_at=None):
                raise RuntimeError(f"The items of batch {batch} were swept before it was accepted.")
            backpressure.admit(team=caller.team, count=request.at_most)
            transitions.batch_accept(batch, _expansion(batch, stored.sha256), actor=caller.actor)
            guard.remember(batch)
    except (IntegrityError, ServiceError):
        # Somebody was first with the same idempotency key, or the batch is refused after all.
        files.file_discard(file_id=file.pk)
        if known := guard.recall_batch():
            return known
        raise
    return batch


def _new_batch(caller: Caller, request: BatchRequest, version: TemplateVersion, *, options: dict[str, Any]) -> Batch:
    options, passwords = take_out(options)
    batch = Batch(
        external_id=uuid.uuid4(),
        team=caller.team,
        template_version=version,
        requested_by_user=caller.user,
        requested_by_key=caller.api_key,
        shares_with=dedup.shares_with(caller),
        options=options,
        priority=request.priority,
        output_mode=request.output_mode,
        source_format=request.source_format,
        delimiter=request.delimiter,
        total=request.total,
        reserved=request.at_most,
        expires_in=kept_seconds(version.template) if request.keeps_default else request.expires_in,
        queued_at=timezone.now(),
    )
    batch.sealed_passwords = sealed_for(batch, passwords)
    return batch


def _expansion(batch: Batch, sha256: str) -> Job:
    return own_job(batch, Kind.EXPAND, payload_hash=sha256)


def own_job(batch: Batch, kind: Kind, *, payload_hash: str) -> Job:
    """Return a new job, not yet inserted, that works for the whole batch."""
    return Job(
        team=batch.team,
        kind=kind,
        requested_by_user_id=batch.requested_by_user_id,
        requested_by_key_id=batch.requested_by_key_id,
        payload_hash=payload_hash,
        priority=batch.priority,
        effective_priority=batch.priority,
        max_attempts=transitions.ATTEMPTS,
        expires_in=batch.expires_in,
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
