"""From an item as it was sent to its row and the job that makes its document: a new one, or one that was there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from rest_framework import serializers

from jobs_app import dedup, transitions
from jobs_app.batches.refusal import refused
from jobs_app.batches.sources import RawItem
from jobs_app.models import Batch, BatchItem, Job
from jobs_app.options import OptionsSerializer
from jobs_app.passwords import ENCRYPTION, Passwords, passwords_of, sealed_for, take_out
from jobs_app.states import Kind, OutputMode
from pdfservice.lib.errors import Fault, ServiceError
from pdfservice.lib.problems import as_service_error
from pdfservice.lib.sealed import SealBroken
from pdfservice.lib.serializers import StrictSerializer
from templates_app.finishing_options import refuse_impossible
from templates_app.payloads import payload_faults
from templates_app.watermark_options import with_watermark

# Somebody may insert the same work at the same moment; the second look finds it.
_LOOKS = 5


class ItemSerializer(StrictSerializer):
    """One document of a batch."""

    payload = serializers.DictField(help_text="What the template shows.")
    reference = serializers.CharField(
        max_length=200, required=False, allow_blank=True, help_text="The caller's own name for this document."
    )
    options = OptionsSerializer(required=False)


NOT_MERGED = "Encrypted documents cannot be merged; ask for separate ones or a zip."


@dataclass(slots=True)
class _Misfit(Exception):
    code: str
    message: str
    faults: tuple[Fault, ...]


def insert_items(batch: Batch, expansion: Job, items: Sequence[RawItem]) -> bool:
    """Insert rows and jobs for `items`, all or none; False when the claim or the batch is lost."""
    # Before the transaction: a payload may be held to its schema in another process.
    made = [_made(batch, item) for item in items]
    for _ in range(_LOOKS):
        try:
            with transaction.atomic():
                return _insert(batch, expansion, made)
        except IntegrityError as error:
            last = error
            for row, job in made:
                row.owns_job = False
                if job is not None:
                    job.pk = None
    raise last


def _made(batch: Batch, item: RawItem) -> tuple[BatchItem, Job | None]:
    row = BatchItem(batch=batch, position=item.position, line=item.line)
    try:
        return row, _job(batch, item, row)
    except _Misfit as misfit:
        row.error_code, row.error_message = misfit.code, misfit.message
        row.errors = [{"pointer": fault.pointer, "message": fault.message} for fault in misfit.faults]
        return row, None


def _insert(batch: Batch, expansion: Job, made: Sequence[tuple[BatchItem, Job | None]]) -> bool:
    if not transitions.batch_hold(batch, expansion):
        return False
    rows, jobs = [row for row, _ in made], [job for _, job in made]
    _connect(batch, rows, jobs)
    BatchItem.objects.bulk_create(rows)
    return True


def _connect(batch: Batch, rows: Sequence[BatchItem], jobs: Sequence[Job | None]) -> None:
    """Give each row its job: one under way or done, one of a row before it, or its own new one."""
    known = dedup.find_all(team_id=batch.team_id, keys=[job.cache_key for job in jobs if job and job.cache_key])
    new: dict[str, Job] = {}
    for row, job in zip(rows, jobs, strict=True):
        # An encrypted document is nobody else's: its job has no cache key, and is found by its own name.
        if job is not None and _key(job) not in known and _key(job) not in new:
            new[_key(job)] = job
            row.owns_job = True
    transitions.enqueue_many(list(new.values()), actor=_actor(batch))
    for row, job in zip(rows, jobs, strict=True):
        if job is not None:
            row.job_id = known.get(_key(job)) or new[_key(job)].pk
    own = BatchItem.objects.filter(batch=batch, owns_job=True, job__in=set(known.values())).values_list(
        "job", flat=True
    )
    if foreign := set(known.values()) - set(own):
        dedup.share_all(foreign, expires_in=batch.expires_in, priority=batch.priority)


def _key(job: Job) -> str:
    return job.cache_key or str(job.external_id)


def _job(batch: Batch, item: RawItem, row: BatchItem) -> Job:
    value = _checked(item)
    row.reference = value.get("reference", "")
    version = batch.template_version
    options, passwords = _options(batch, item, value.get("options", {}))
    payload = json.dumps(value["payload"], ensure_ascii=False, separators=(",", ":"))
    if len(payload.encode()) > settings.MAX_PAYLOAD_BYTES:
        message = f"The payload is over the limit of {settings.MAX_PAYLOAD_BYTES} bytes."
        raise _Misfit("too_large", message, (Fault(f"{item.pointer}/payload", message),))
    if faults := payload_faults(version, value["payload"]):
        placed = tuple(Fault(item.pointer + fault.pointer, fault.message) for fault in faults)
        raise _Misfit("payload_error", "The payload does not fit the version's schema.", placed)
    job = Job(
        team_id=batch.team_id,
        kind=Kind.RENDER,
        template_version=version,
        requested_by_user_id=batch.requested_by_user_id,
        requested_by_key_id=batch.requested_by_key_id,
        payload=payload,
        payload_hash=hashlib.sha256(payload.encode()).hexdigest(),
        options=options,
        priority=batch.priority,
        effective_priority=batch.priority,
        max_attempts=transitions.ATTEMPTS,
        expires_in=batch.expires_in,
    )
    if passwords is None:
        job.cache_key = dedup.cache_key(
            team_id=batch.team_id,
            shares_with=batch.shares_with,
            version=version,
            payload=value["payload"],
            options=options,
        )
    job.sealed_passwords = sealed_for(job, passwords)
    return job


def _options(batch: Batch, item: RawItem, own: Mapping[str, Any]) -> tuple[dict[str, Any], Passwords | None]:
    """Return the batch's options with the item's own over them, an own watermark as it is now, and the passwords."""
    if batch.output_mode == OutputMode.MERGED and own.get(ENCRYPTION):
        raise _Misfit("payload_error", NOT_MERGED, (Fault(f"{item.pointer}/options/{ENCRYPTION}", NOT_MERGED),))
    options = {**batch.options, **own}
    if own:
        try:
            refuse_impossible(options, engine=batch.template_version.engine)
            if "watermark_config_id" in own:
                options = with_watermark(options, team=batch.team)
        except ServiceError as error:
            faults = tuple(Fault(item.pointer + fault.pointer, fault.message) for fault in error.faults)
            raise _Misfit("payload_error", error.detail, faults) from error
    return take_out(options) if ENCRYPTION in own else (options, _common_passwords(batch))


def _common_passwords(batch: Batch) -> Passwords | None:
    try:
        return passwords_of(batch)
    except SealBroken as error:
        message = "The passwords of this batch cannot be read any more: SECRET_KEY was changed."
        raise refused("password_lost", message) from error


def _checked(item: RawItem) -> Mapping[str, Any]:
    if item.faults:
        raise _Misfit("payload_error", item.faults[0].message, item.faults)
    if not isinstance(item.value, dict):
        message = "An item is an object with a payload."
        raise _Misfit("payload_error", message, (Fault(item.pointer, message),))
    serializer = ItemSerializer(data=item.value)
    try:
        serializer.is_valid(raise_exception=True)
    except serializers.ValidationError as error:
        refusal = as_service_error(error)
        faults = [Fault(item.pointer + fault.pointer, fault.message) for fault in (refusal.faults if refusal else ())]
        message = f"The item has {len(faults)} fault{'s' * (len(faults) != 1)}; see errors."
        raise _Misfit("payload_error", message, tuple(faults)) from error
    value: dict[str, Any] = serializer.validated_data
    return value


def _actor(batch: Batch) -> str:
    return f"batch:{batch.external_id}"
