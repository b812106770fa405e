"""Versions that a worker renders again and again, without asking the database each time."""

from __future__ import annotations

import time

from templates_app.models import TemplateVersion, VersionStatus

# What a published version makes never changes. What may change around it, such as the template's slug, is as old as
# this at most.
_SECONDS = 10.0
_KEPT = 64
# Until when, and which; the oldest first.
_versions: dict[int, tuple[float, TemplateVersion]] = {}


def version_recent(*, version_id: int) -> TemplateVersion:
    """Return a version with its template and team, at most ten seconds old; nobody may change it."""
    until, kept = _versions.get(version_id, (0.0, None))
    if kept is not None and time.monotonic() < until:
        return kept
    version = TemplateVersion.objects.select_related("template__team").get(pk=version_id)
    # Without a schema its first document will tell what its payloads look like, and it becomes another.
    if version.status != VersionStatus.DRAFT and (version.payload_schema or version.inferred_schema) is not None:
        while len(_versions) >= _KEPT:
            del _versions[next(iter(_versions))]
        _versions[version_id] = (time.monotonic() + _SECONDS, version)
    return version


def forget() -> None:
    """Forget all."""
    _versions.clear()
