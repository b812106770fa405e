"""The process that imports and warms the engines once and then forks confined children from that state.

It is started by `zygote_handle.py`, never sees a template and trusts its parent; it ends when the parent does. Over a
SEQPACKET socket it takes one JSON message per child to fork, with three descriptors (request, reply, standard error),
and answers with a pidfd; later it reports how each child ended.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from templates_app.renderer import libc, seccomp, serving
from templates_app.renderer.confinement import Cell, confine, confinement_problem

if TYPE_CHECKING:
    from pyseccomp import SyscallFilter

MESSAGE_BYTES = 65_536
_CHILD_FDS = 3
_FAILED_STATUS = 70


def main(config: dict[str, Any]) -> None:
    """Warm up, say so, then fork children until the parent is gone."""
    parent = os.pidfd_open(config["parent"])
    if os.getppid() != config["parent"]:
        return  # The parent died before we could watch it.
    control = socket.socket(fileno=config["control"])
    program = importlib.import_module(config["program"])
    program.warm()
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        sys.exit(f"{threads} threads run after warming up: a forked child would lack all but one and hang")
    problem = confinement_problem()
    rules = None if seccomp.problem() else seccomp.build_filter()
    # Or every collection in a child would write to, and so copy, the pages it shares with the zygote.
    gc.collect()
    gc.freeze()
    control.send(json.dumps({"ready": os.getpid(), "problem": problem}).encode())
    skills = serving.Skills(program.answer, getattr(program, "TASKS", {}))
    _Zygote(control, parent, skills, rules).run()


class _Zygote:
    def __init__(
        self, control: socket.socket, parent: int, skills: serving.Skills, rules: SyscallFilter | None
    ) -> None:
        self._pid = os.getpid()
        self._control = control
        self._parent = parent
        self._skills = skills
        self._rules = rules
        self._children: set[int] = set()

    def run(self) -> None:
        """Fork on request and report deaths; kill all children when the parent closes the socket or dies."""
        control = self._control.fileno()
        wakeup, write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(write_end)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            while True:
                ready, _, _ = select.select([control, self._parent, wakeup], [], [])
                # Not PR_SET_PDEATHSIG: that fires when the *thread* that started us ends, be its process ever so alive.
                if self._parent in ready:
                    return
                if wakeup in ready:
                    with suppress(BlockingIOError):
                        os.read(wakeup, 4096)
                    self._reap()
                if control in ready and not self._take_order():
                    return
        except (BrokenPipeError, ConnectionResetError):
            return
        finally:
            self._kill_all()

    def _take_order(self) -> bool:
        message, fds, _, _ = socket.recv_fds(self._control, MESSAGE_BYTES, _CHILD_FDS)
        if not message:
            return False
        order = json.loads(message)
        pid = os.fork()
        if pid == 0:
            self._be_child(order, fds)
        for fd in fds:
            os.close(fd)
        self._children.add(pid)
        pidfd = os.pidfd_open(pid)
        socket.send_fds(self._control, [json.dumps({"forked": pid}).encode()], [pidfd])
        os.close(pidfd)
        return True

    def _be_child(self, order: dict[str, Any], fds: list[int]) -> NoReturn:
        status = _FAILED_STATUS
        try:
            # A warm zygote has one thread, so this signal comes when the zygote dies and at no other time.
            libc.die_with_parent(self._pid)
            os.setsid()
            _take_descriptors(fds)
            try:
                confine(Cell(**order["cell"]), self._rules)
            except OSError:
                status = serving.UNCONFINED_STATUS
                raise
            serving.serve(self._skills, output_mb=order["output_mb"])
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def _reap(self) -> None:
        while self._children:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if not pid:
                return
            self._children.discard(pid)
            report = {"exited": pid, "status": status, "peak_memory_kb": usage.ru_maxrss}
            self._control.send(json.dumps(report).encode())

    def _kill_all(self) -> None:
        for pid in self._children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _take_descriptors(fds: list[int]) -> None:
    """Keep the two pipe ends and standard error under their fixed numbers, and close every other descriptor."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    request, reply, stderr = fds
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.dup2(stderr, serving.STDERR_FD)
    os.dup2(request, serving.REQUEST_FD)
    os.dup2(reply, serving.REPLY_FD)
    os.closerange(3, serving.REQUEST_FD)
    os.closerange(serving.REPLY_FD + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
