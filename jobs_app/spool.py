"""Rendered documents that storage would not take yet, kept on this host's disk so that only the upload is repeated.

A spooled document is used for exactly the work it was made from, within a deadline; on another host the job is
rendered again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from django.conf import settings

from jobs_app.handlers.product import Product
from jobs_app.models import Job
from jobs_app.provenance import Provenance

logger = logging.getLogger(__name__)

# After that the job is rendered again; nobody should get a document that lay around for longer.
DEADLINE_SECONDS = 3600.0


def keep(job: Job, product: Product) -> bool:
    """Keep a job's product, whole or not at all; False when this disk takes it no more than the storage did.

    What is in a file is put together from stored documents: it is made again rather than kept.
    """
    if product.file is not None:
        return False
    header = json.dumps({"work": _work(job), "sha256": _sha256(product.data), **_described(product)}).encode()
    path = _path(job)
    draft = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            file.write(header + b"\n")
            file.write(product.data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        logger.error("Job %s could not be spooled either: %s", job, error)
        draft.unlink(missing_ok=True)
        return False
    return True


def find(job: Job) -> Product | None:
    """Return what was kept for a job, if it is whole, fresh and made from the same work; else forget it."""
    path = _path(job)
    try:
        if time.time() - path.stat().st_mtime > DEADLINE_SECONDS:
            path.unlink(missing_ok=True)
            return None
        header, _, data = path.read_bytes().partition(b"\n")
        described: dict[str, Any] = json.loads(header)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        logger.error("The spooled document of job %s cannot be read: %s", job, error)
        return None
    if described.pop("work") != _work(job) or described.pop("sha256") != _sha256(data):
        path.unlink(missing_ok=True)
        return None
    described["warnings"] = tuple(described["warnings"])
    described["provenance"] = Provenance.read(described.get("provenance"))
    return Product(data=data, **described)


def forget(job: Job) -> None:
    """Drop what was kept for a job."""
    _path(job).unlink(missing_ok=True)


def sweep() -> int:
    """Drop what is past its deadline, and return how many files that was."""
    swept = 0
    for path in _folder().glob("*"):
        try:
            if time.time() - path.stat().st_mtime > DEADLINE_SECONDS:
                path.unlink()
                swept += 1
        except FileNotFoundError:
            continue  # another process of this host sweeps too
    return swept


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "spool"


def _path(job: Job) -> Path:
    return _folder() / f"{job.external_id}.spooled"


def _work(job: Job) -> str:
    version = job.template_version.content_hash if job.template_version else ""
    return _sha256(json.dumps([job.kind, version, job.payload_hash, job.options], sort_keys=True).encode())


def _described(product: Product) -> dict[str, Any]:
    fields = asdict(replace(product, data=b""))
    del fields["data"], fields["file"]
    return fields


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
