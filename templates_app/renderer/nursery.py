"""The parent's zygote and its living children: one child per tenant, the longest unused one goes first."""

from __future__ import annotations

import fcntl
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from templates_app.renderer import scratch
from templates_app.renderer.child import Child
from templates_app.renderer.confinement import Cell, confinement_problem
from templates_app.renderer.contracts import ConfinementUnavailable, RendererUnavailable, RenderLimits
from templates_app.renderer.frames import Channel, FrameBounds, FrameError
from templates_app.renderer.serving import UNCONFINED_STATUS
from templates_app.renderer.zygote_handle import Ending, ZygoteHandle

_HELLO_SECONDS = 10.0
_HELLO_BOUNDS = FrameBounds(header=256, blobs=0, total=0)
_PIPE_BYTES = 1 << 20


class Nursery:
    """Starts zygotes and children, keeps what can be used again and buries the rest."""

    def __init__(self, root: Path, limits: RenderLimits, *, program: str, allow_unconfined: bool) -> None:
        self._root = root.absolute()
        self._limits = limits
        self._program = program
        self._allow_unconfined = allow_unconfined
        self._workspace: scratch.Workspace | None = None
        self._zygote: ZygoteHandle | None = None
        self._children: OrderedDict[str, Child] = OrderedDict()

    def open(self) -> ZygoteHandle:
        """Return a living zygote, a new one if need be; raise ConfinementUnavailable or RendererUnavailable."""
        if self._zygote is not None:
            if self._zygote.is_alive():
                return self._zygote
            self._bury_zygote()
        self._check(confinement_problem())
        if self._workspace is None:
            self._workspace = scratch.Workspace(self._root)
        fontconfig = scratch.prepare_fontconfig(self._root)
        zygote = ZygoteHandle(program=self._program, workspace=self._workspace.path, fontconfig=fontconfig)
        try:
            self._check(zygote.problem)
        except ConfinementUnavailable:
            zygote.close()
            raise
        self._zygote = zygote
        return zygote

    def child_for(self, tenant: str) -> Child:
        """Return a living child that has served nobody but `tenant`."""
        return self._once_more(lambda: self._child_for(tenant))

    def new_child(self, tenant: str, limits: RenderLimits) -> Child:
        """Return a fresh child with limits of its own, for one request that is not like others; discard it after."""
        return self._once_more(lambda: self._add(tenant, limits))

    def _once_more(self, child: Callable[[], Child]) -> Child:
        try:
            return child()
        except ConfinementUnavailable:
            raise
        except RendererUnavailable:
            # The zygote hangs, or was killed while it started or before it had the order: once more with a new one.
            self._bury_zygote()
            return child()

    def _child_for(self, tenant: str) -> Child:
        self.open()  # the children of a dead zygote are dead
        child = self._children.get(tenant)
        if child is not None and child.is_alive() and child.is_silent():
            self._children.move_to_end(tenant)
            return child
        return self._add(tenant, self._limits)

    def _add(self, tenant: str, limits: RenderLimits) -> Child:
        self.open()
        if tenant in self._children:
            self.discard(self._children[tenant])
        while len(self._children) >= max(1, self._limits.max_children):
            self.discard(next(iter(self._children.values())))
        child = self._fork(tenant, limits)
        self._children[tenant] = child
        return child

    def put_back(self, child: Child) -> None:
        """Wipe what the document left on disk; retire a child that has served its number of documents or grew large."""
        child.documents += 1
        worn_out = child.documents >= self._limits.child_max_documents
        # What a child holds now it may never give back; a fresh one costs 10 ms.
        if worn_out or child.memory_kb() - child.fresh_memory_kb > self._limits.child_max_growth_mb << 10:
            self.discard(child)
        else:
            scratch.empty(child.directory)

    def discard(self, child: Child) -> None:
        """Kill a child and forget it."""
        if self._children.get(child.tenant) is child:
            del self._children[child.tenant]
        child.release()

    def ending_of(self, child: Child) -> Ending | None:
        """Return how a dying child ended; None if its zygote is gone too."""
        return None if self._zygote is None else self._zygote.ending_of(child.pid)

    def close(self) -> None:
        """End every process and remove every file."""
        self._bury_zygote()
        if self._workspace is not None:
            self._workspace.close()
            self._workspace = None

    def _check(self, problem: str | None) -> None:
        if problem and not self._allow_unconfined:
            raise ConfinementUnavailable(f"the renderer cannot be confined: {problem}")

    def _bury_zygote(self) -> None:
        for child in list(self._children.values()):
            self.discard(child)
        if self._zygote is not None:
            self._zygote.close()
            self._zygote = None

    def _fork(self, tenant: str, limits: RenderLimits) -> Child:
        zygote = self.open()
        assert self._workspace is not None  # noqa: S101 # open() made it
        directory = self._workspace.new_directory()
        cell = Cell(
            scratch=str(directory),
            fontconfig=str(self._root / "fontconfig"),
            memory_mb=limits.memory_mb,
            required=not self._allow_unconfined,
        )
        request_end, write_fd = _pipe(parent_writes=True)
        read_fd, reply_end = _pipe(parent_writes=False)
        # Ours from the start, so that no path the child controls is ever opened to read it.
        stderr_fd = os.memfd_create("child-stderr", os.MFD_CLOEXEC)
        fcntl.fcntl(stderr_fd, fcntl.F_SETFL, os.O_APPEND)
        try:
            order = {"cell": asdict(cell), "output_mb": limits.output_mb}
            pid, pidfd = zygote.fork(order, [request_end, reply_end, stderr_fd])
        except RendererUnavailable:
            for fd in (write_fd, read_fd, stderr_fd):
                os.close(fd)
            scratch.remove(directory)
            raise
        finally:
            os.close(request_end)
            os.close(reply_end)
        child = Child(tenant, pid, pidfd, Channel(read_fd, write_fd), stderr_fd, directory)
        self._await_hello(zygote, child)
        return child

    def _await_hello(self, zygote: ZygoteHandle, child: Child) -> None:
        try:
            child.channel.receive(_HELLO_BOUNDS, deadline=time.monotonic() + _HELLO_SECONDS)
        except FrameError as error:
            child.kill()  # Unless it is dying already, and then its status tells more.
            ending = zygote.ending_of(child.pid)
            reason = child.stderr_tail().strip().rpartition("\n")[2]
            child.release()
            if ending and ending.status == UNCONFINED_STATUS:
                raise ConfinementUnavailable(f"a renderer child could not be confined: {reason}") from error
            raise RendererUnavailable(f"a renderer child did not start: {reason or ending}") from error
        child.fresh_memory_kb = child.memory_kb()


def _pipe(*, parent_writes: bool) -> tuple[int, int]:
    """Return a pipe whose parent's end does not block, so that every wait on it can have a deadline."""
    read_fd, write_fd = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(write_fd if parent_writes else read_fd, False)
    with suppress(OSError):  # An unprivileged user's pipes have a common quota.
        fcntl.fcntl(write_fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return read_fd, write_fd
