"""What a worker that has just started makes ready: what most callers asked for lately."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import timezone

from jobs_app import shutdown
from jobs_app.models import Job
from jobs_app.states import Kind, Status
from pdfservice.lib import storage
from templates_app import rendering
from templates_app.models import TemplateVersion, VersionStatus
from templates_app.recent_versions import version_recent
from templates_app.renderer.contracts import RenderError, RendererUnavailable, RenderInterrupted

logger = logging.getLogger(__name__)

# Of so many documents that were made last, the templates that most of them had. A renderer keeps a child for a few
# teams only, so more than these would push each other out.
_LOOKED_AT = 500
_MOST = 3
# For all of them; a worker has better things to do than to wait for a template that hangs.
_SECONDS = 3.0
_LOOK_EVERY_SECONDS = 0.1


def warm_up() -> int:
    """Make the sample of each popular template, in vain, and return how many that was.

    Its sources and files are read then, its renderer is begun, the template compiled and its fonts opened. With work
    waiting nothing is done: that warms as well. Raises what a database that is away raises.
    """
    if Job.objects.claimable().exists():
        return 0
    made = 0
    with _time_limit():
        for version_id in _popular():
            version = version_recent(version_id=version_id)
            if version.status != VersionStatus.PUBLISHED:
                continue
            try:
                made += _make_sample(version)
            except RenderInterrupted:
                break
    return made


def _popular() -> list[int]:
    """Return the ids of the versions that most of the last documents had, the most popular last.

    What is made last is found again most surely.
    """
    done = Job.objects.filter(status=Status.DONE, kind=Kind.RENDER, finished_at__isnull=False)
    last = done.order_by("-finished_at").values_list("template_version", flat=True)[:_LOOKED_AT]
    return [version_id for version_id, _ in Counter(last).most_common(_MOST) if version_id is not None][::-1]


def _make_sample(version: TemplateVersion) -> bool:
    payload = json.dumps(version.sample_payload or {})
    try:
        rendering.render_version(version, payload, created_at=timezone.now().isoformat())
    except (RenderError, RendererUnavailable, storage.StorageUnavailable, storage.ObjectMissing) as error:
        # A template without a sample, most likely; what it has was read all the same.
        logger.info("The sample of %s could not be made: %s", version, error)
        return False
    return True


@contextmanager
def _time_limit() -> Iterator[None]:
    """Interrupt the renderer when the time is over or this worker shall stop."""
    over, end = threading.Event(), time.monotonic() + _SECONDS

    def watch() -> None:
        while not over.wait(_LOOK_EVERY_SECONDS):
            if shutdown.is_requested() or time.monotonic() > end:
                rendering.sandbox().interrupt()

    thread = threading.Thread(target=watch, name="warming", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
