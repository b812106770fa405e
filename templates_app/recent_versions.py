"""Versions that are used again and again, without asking the database for all that they are each time."""

from __future__ import annotations

import threading
import time

from templates_app.models import TemplateVersion, VersionStatus

# What a published version makes never changes. What may change around it, such as the template's slug, is as old as
# this at most.
_SECONDS = 10.0
_KEPT = 64
# Web processes have several threads.
_lock = threading.Lock()
# Until when, and which; the oldest first.
_versions: dict[int, tuple[float, TemplateVersion]] = {}


def version_recent(*, version_id: int) -> TemplateVersion:
    """Return a version with its template and team, at most ten seconds old; nobody may change it."""
    until, kept = _versions.get(version_id, (0.0, None))
    return kept if kept is not None and time.monotonic() < until else version_anew(version_id=version_id)


def version_anew(*, version_id: int) -> TemplateVersion:
    """Return a version with its template and team as they are now; nobody may change it."""
    version = TemplateVersion.objects.select_related("template__team").get(pk=version_id)
    # Without a schema its first document will tell what its payloads look like, and it becomes another.
    has_schema = version.payload_schema is not None or version.inferred_schema is not None
    if version.status != VersionStatus.DRAFT and has_schema:
        with _lock:
            while len(_versions) >= _KEPT:
                del _versions[next(iter(_versions))]
            _versions[version_id] = (time.monotonic() + _SECONDS, version)
    return version


def forget() -> None:
    """Forget all."""
    _versions.clear()
