"""The confined processes of a web process: few, started when they are first needed, and never waited for long."""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.conf import settings

from pdfservice.lib.errors import ServiceError, unavailable
from templates_app.renderer.contracts import RendererUnavailable, RenderLimits
from templates_app.renderer.sandbox import Sandbox, Task

logger = logging.getLogger(__name__)

T = TypeVar("T")
# A schema check that takes longer than this would hold up callers who wait for their 202.
_SCHEMA_SECONDS = 2.0
_SCHEMA_MEMORY_MB = 256
AUTHORING_SECONDS = 10.0
_RETRY_AFTER_SECONDS = 2


class SchemaSandbox(Sandbox):
    """Children that know schemas and nothing else."""

    program = "templates_app.renderer.schema_program"


class SandboxPool:
    """Up to `size` sandboxes of this process. One team never holds them all, where there are several."""

    def __init__(self, make: Callable[[], Sandbox], *, size: int, wait_s: float) -> None:
        self._make = make
        self._size = size
        self._wait_s = wait_s
        self._changed = threading.Condition()
        self._pid = os.getpid()
        self._idle: list[Sandbox] = []
        self._held: Counter[str] = Counter()
        self._made = 0

    def perform(self, task: Task[T], *, tenant: str) -> T:
        """Have a task done; raise RenderError, or ServiceError: 429 when all are busy, 503 when none can start."""
        with self.lease(tenant) as sandbox:
            try:
                return sandbox.perform(task, tenant=tenant)
            except RendererUnavailable as error:
                logger.error("The renderer does not start: %s", error)
                raise unavailable("The renderer of this host does not start.") from error

    @contextmanager
    def lease(self, tenant: str) -> Iterator[Sandbox]:
        """Lend a sandbox that nobody else uses meanwhile; raise ServiceError (429) when none gets free in time."""
        sandbox = self._take(tenant)
        try:
            yield sandbox
        finally:
            with self._changed:
                self._idle.append(sandbox)
                self._held[tenant] -= 1
                self._changed.notify()

    def close(self) -> None:
        """End the processes of all that are idle."""
        with self._changed:
            idle, self._idle = self._idle, []
            self._made -= len(idle)
        for sandbox in idle:
            sandbox.close()

    def _take(self, tenant: str) -> Sandbox:
        with self._changed:
            if self._pid != os.getpid():
                self._forget()
            if not self._changed.wait_for(lambda: self._may_take(tenant), self._wait_s):
                message = "Too many previews and checks are under way."
                raise ServiceError(429, "busy", message, retry_after_s=_RETRY_AFTER_SECONDS)
            self._held[tenant] += 1
            if self._idle:
                return self._idle.pop()
            self._made += 1
            return self._make()

    def _may_take(self, tenant: str) -> bool:
        own_share = max(1, self._size - 1)
        return self._held[tenant] < own_share and (bool(self._idle) or self._made < self._size)

    def _forget(self) -> None:
        """Start anew in a forked process: the sandboxes are its parent's."""
        self._pid, self._made = os.getpid(), 0
        self._idle.clear()
        self._held.clear()


def _make_schema_sandbox() -> Sandbox:
    return SchemaSandbox(
        scratch_root=settings.DATA_DIR / "scratch",
        limits=RenderLimits(timeout_s=_SCHEMA_SECONDS, memory_mb=_SCHEMA_MEMORY_MB, output_mb=1),
        allow_unconfined=settings.RENDER_ALLOW_UNCONFINED,
    )


def _make_authoring_sandbox() -> Sandbox:
    return Sandbox(
        scratch_root=settings.DATA_DIR / "scratch",
        limits=RenderLimits(timeout_s=AUTHORING_SECONDS, memory_mb=settings.RENDER_MEMORY_MB),
        allow_unconfined=settings.RENDER_ALLOW_UNCONFINED,
    )


schema_pool = SandboxPool(_make_schema_sandbox, size=2, wait_s=2 * _SCHEMA_SECONDS)
authoring_pool = SandboxPool(_make_authoring_sandbox, size=settings.AUTHORING_PROCESSES, wait_s=2.0)
