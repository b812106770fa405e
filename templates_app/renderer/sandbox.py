"""Render documents in processes that can hurt nobody: the parent's side, and the package's front door."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar

from templates_app.renderer import verdicts
from templates_app.renderer.child import Child
from templates_app.renderer.contracts import (
    ErrorCode,
    MergeSpec,
    RenderedDocument,
    RenderError,
    RendererUnavailable,
    RenderInterrupted,
    RenderLimits,
    RenderSpec,
)
from templates_app.renderer.frames import FrameClosed, FrameInvalid, FrameTimeout
from templates_app.renderer.nursery import Nursery
from templates_app.renderer.resending import FILES
from templates_app.renderer.serving import OUT_OF_MEMORY_STATUS
from templates_app.renderer.wire import pack_request, reply_bounds, unpack_reply, unpack_result

_DYING_SECONDS = 1.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Task(Generic[T]):
    """Something other than a document to have done by a child: `name` is one of its program's tasks.

    `read` makes sense of the answer; it must not believe it, and raises FrameInvalid for what no honest child sends.
    """

    name: str
    arguments: dict[str, Any]
    blobs: Sequence[bytes]
    read: Callable[[dict[str, Any], Sequence[bytes]], T]


@dataclass(frozen=True, slots=True)
class _Witness:
    """What the parent saw of a child by itself."""

    peak_memory_kb: int
    is_childs_first: bool


@dataclass(frozen=True, slots=True)
class _Request(Generic[T]):
    """A frame for a child, and how its reply is read: header, blobs, and what the parent knows of the child."""

    header: dict[str, Any]
    blobs: Sequence[bytes]
    read: Callable[[dict[str, Any], Sequence[bytes], _Witness], T]
    limits: RenderLimits
    # Whether a child that has answered it may go on to serve others.
    leaves_child_as_it_was: bool = True


class _ChildGone(Exception):
    """The child died before it had the whole request: no fault of the document."""


class Sandbox:
    """A warm zygote and a few confined children, one tenant each. One render at a time; any thread may interrupt it."""

    # The module whose `warm` the zygote calls and whose `answer` the children serve.
    program: ClassVar[str] = "templates_app.renderer.program"

    def __init__(
        self, *, scratch_root: Path, limits: RenderLimits | None = None, allow_unconfined: bool = False
    ) -> None:
        self._limits = limits or RenderLimits()
        self._nursery = Nursery(scratch_root, self._limits, program=self.program, allow_unconfined=allow_unconfined)
        self._turn = threading.Lock()
        # Guards the three below: what `interrupt` may look at from another thread.
        self._state = threading.Lock()
        self._rendering = False
        self._interrupted = False
        self._busy: Child | None = None

    def start(self) -> None:
        """Spawn and warm the zygote if none is alive (2 s); raise ConfinementUnavailable or RendererUnavailable."""
        with self._turn:
            self._nursery.open()

    def render(self, spec: RenderSpec, *, tenant: str) -> RenderedDocument:
        """Make one document in a process that serves only `tenant`.

        Raise RenderError when the document cannot be made, RenderInterrupted after `interrupt`, RendererUnavailable
        when the renderer itself cannot start. Waits while another thread renders.
        """
        return self._take_turn(_Request(*pack_request(spec), _read_document, self._limits), tenant)

    def merge(self, spec: MergeSpec, *, tenant: str) -> RenderedDocument:
        """Put finished PDFs of `tenant` one behind the other, a bookmark each; raises what `render` raises.

        A child of its own does it, with more room than a document has, and ends with it.
        """
        limits = self._limits.for_merging(len(spec.parts))
        if sum(len(part.pdf) for part in spec.parts) > limits.output_mb << 20:
            message = f"the documents have more than the {limits.output_mb} MiB that a merged one may have"
            raise RenderError(ErrorCode.TOO_LARGE, message, permanent=True)
        request = _Request(*pack_request(spec), _read_document, limits, leaves_child_as_it_was=False)
        return self._take_turn(request, tenant)

    def perform(self, task: Task[T], *, tenant: str) -> T:
        """Have a task done in a process that serves only `tenant`; raise as `render` does."""

        def read(header: dict[str, Any], blobs: Sequence[bytes], seen: _Witness) -> T:
            return task.read(unpack_result(header, peak_memory_kb=seen.peak_memory_kb), blobs)

        header = {"task": task.name, "arguments": task.arguments}
        return self._take_turn(_Request(header, task.blobs, read, self._limits), tenant)

    def interrupt(self) -> None:
        """Kill the child that renders now: `render`, in its thread, raises RenderInterrupted. Harmless otherwise."""
        with self._state:
            if self._rendering:
                self._interrupted = True
                if self._busy is not None:
                    self._busy.kill()

    def close(self) -> None:
        """End every process and remove every file of this sandbox; it may be started again."""
        with self._turn:
            self._nursery.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take_turn(self, request: _Request[T], tenant: str) -> T:
        with self._turn:
            with self._state:
                self._rendering, self._interrupted = True, False
            try:
                return self._serve(request, tenant)
            finally:
                with self._state:
                    self._rendering = False

    def _serve(self, request: _Request[T], tenant: str) -> T:
        for _ in range(2):
            try:
                return self._serve_once(self._child_for(request, tenant), request)
            except _ChildGone:
                continue
        raise RendererUnavailable("two renderer children in a row died before they were given a document")

    def _child_for(self, request: _Request[T], tenant: str) -> Child:
        if request.leaves_child_as_it_was:
            return self._nursery.child_for(tenant)
        return self._nursery.new_child(tenant, request.limits)

    def _serve_once(self, child: Child, request: _Request[T]) -> T:
        """Ask the child and put it back; a child whose document failed for no stated reason is never used again."""
        reusable = False
        self._hold(child)
        try:
            answer = self._ask(child, request)
            reusable = True
        except RenderError as error:
            reusable = error.permanent
            error.used_up_limit = verdicts.used_up_limit(error, child, request.limits)
            if self._was_interrupted():
                raise RenderInterrupted from error
            raise
        finally:
            self._let_go(child, reusable=reusable and request.leaves_child_as_it_was)
        if self._was_interrupted():
            raise RenderInterrupted
        return answer

    def _ask(self, child: Child, request: _Request[T]) -> T:
        """Return what the child answered before the wall clock ran out; raise RenderError for everything else."""
        deadline = time.monotonic() + request.limits.timeout_s
        child.allow_cpu(request.limits.timeout_s)
        try:
            notes, blobs = child.sent.pack(request.blobs)
            child.channel.send({**request.header, FILES: notes}, blobs, deadline=deadline)
        except FrameClosed as error:
            if self._was_interrupted():
                raise RenderInterrupted from error
            self._refuse_too_large_request(child, error)
            raise _ChildGone from error
        except FrameTimeout as error:
            raise self._timeout(child, request.limits) from error
        try:
            header, blobs = child.channel.receive(reply_bounds(request.limits.output_mb), deadline=deadline)
            peak = child.peak_memory_kb() or self._final_peak(child, header)
            return request.read(header, blobs, _Witness(peak, is_childs_first=child.documents == 0))
        except FrameTimeout as error:
            raise self._timeout(child, request.limits) from error
        except FrameClosed as error:
            peak = child.peak_memory_kb()
            if not child.await_end(_DYING_SECONDS):
                child.kill()  # It closed its pipe and lives on.
            raise verdicts.verdict(self._nursery.ending_of(child), child.stderr_tail(), peak) from error
        except FrameInvalid as error:
            raise verdicts.nonsense(str(error), child.stderr_tail(), child.peak_memory_kb()) from error

    def _refuse_too_large_request(self, child: Child, error: FrameClosed) -> None:
        """Raise RenderError if the child died because it may not hold as much as it was being given."""
        ending = self._nursery.ending_of(child) if child.await_end(_DYING_SECONDS) else None
        if ending is not None and ending.status == OUT_OF_MEMORY_STATUS:
            raise verdicts.verdict(ending, child.stderr_tail(), 0) from error

    def _final_peak(self, child: Child, header: dict[str, Any]) -> int:
        """Return the peak of a child that exits after this reply because memory ran out, 0 for any other."""
        if header.get("error") != ErrorCode.RENDER_MEMORY or not child.await_end(_DYING_SECONDS):
            return 0
        ending = self._nursery.ending_of(child)
        return ending.peak_memory_kb if ending else 0

    @staticmethod
    def _timeout(child: Child, limits: RenderLimits) -> RenderError:
        return verdicts.timeout(limits.timeout_s, child.stderr_tail(), child.peak_memory_kb())

    def _hold(self, child: Child) -> None:
        with self._state:
            self._busy = child
            if self._interrupted:
                child.kill()

    def _let_go(self, child: Child, *, reusable: bool) -> None:
        with self._state:
            self._busy = None
            reusable = reusable and not self._interrupted
        if reusable:
            self._nursery.put_back(child)
        else:
            self._nursery.discard(child)

    def _was_interrupted(self) -> bool:
        with self._state:
            return self._interrupted


def _read_document(header: dict[str, Any], blobs: Sequence[bytes], seen: _Witness) -> RenderedDocument:
    document = unpack_reply(header, blobs, peak_memory_kb=seen.peak_memory_kb)
    return replace(document, is_childs_first=seen.is_childs_first)
