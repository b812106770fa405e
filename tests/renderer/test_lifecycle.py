"""Zygotes and children come and go; documents do not notice."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from templates_app.renderer.child import Child
from templates_app.renderer.contracts import (
    ErrorCode,
    RendererUnavailable,
    RenderInterrupted,
    RenderLimits,
)
from tests.renderer.support import (
    ProbeSandbox,
    ends,
    eventually,
    failed_probe,
    kill_and_wait,
    probe,
    surroundings,
    watch,
)

PROJECT_ROOT = Path(__file__).resolve().parents[2]
PARENT_PROGRAM = """
import sys
from pathlib import Path
from tests.renderer.support import ProbeSandbox, probe, surroundings
sandbox = ProbeSandbox(scratch_root=Path(sys.argv[1]))
print(surroundings(sandbox)["zygote"], probe(sandbox, "echo").page_count, flush=True)
if sys.argv[2] == "busy":
    probe(sandbox, "sleep")
sys.stdin.read()
"""


class BrokenProgram(ProbeSandbox):
    """A zygote that cannot even import its program."""

    program = "tests.renderer.no_such_program"


def pid_serving(sandbox: ProbeSandbox, tenant: str = "acme") -> int:
    return probe(sandbox, "echo", tenant=tenant).page_count


def busy_child(sandbox: ProbeSandbox) -> int:
    """Wait until a child is rendering; return its pid."""
    assert eventually(lambda: sandbox._busy is not None)
    assert sandbox._busy is not None
    return sandbox._busy.pid


def test_a_child_serves_several_documents_of_its_tenant(own_probes: ProbeSandbox) -> None:
    assert pid_serving(own_probes) == pid_serving(own_probes)


def test_two_tenants_never_share_a_child(own_probes: ProbeSandbox) -> None:
    served: dict[str, set[int]] = {"acme": set(), "umbrella": set(), "hooli": set()}
    for _ in range(4):
        for tenant, pids in served.items():
            pids.add(pid_serving(own_probes, tenant))
    everyones = [pid for pids in served.values() for pid in pids]
    assert len(everyones) == len(set(everyones))


def test_a_child_retires_after_its_number_of_documents(own_probes: ProbeSandbox) -> None:
    pids = [pid_serving(own_probes) for _ in range(7)]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [3, 3, 1]


def test_a_child_that_grew_large_retires(own_probes: ProbeSandbox) -> None:
    grown = probe(own_probes, "hold_memory", "140")
    assert grown.peak_memory_kb > 140 << 10
    assert pid_serving(own_probes) != grown.page_count


def test_the_longest_unused_child_makes_room(own_probes: ProbeSandbox) -> None:
    first, second = pid_serving(own_probes, "acme"), pid_serving(own_probes, "umbrella")
    pidfds = {pid: watch(pid) for pid in (first, second)}
    assert pid_serving(own_probes, "acme") == first
    pid_serving(own_probes, "hooli")
    assert ends(pidfds[second])
    assert not ends(pidfds[first], 0)
    for pidfd in pidfds.values():
        os.close(pidfd)


def test_the_scratch_directory_is_empty_for_the_next_document(own_probes: ProbeSandbox) -> None:
    assert probe(own_probes, "write", "left").log == "written"
    assert surroundings(own_probes)["files"] == []


def test_even_a_burrow_of_unreadable_directories_is_wiped(own_probes: ProbeSandbox) -> None:
    dug = probe(own_probes, "burrow")
    seen = surroundings(own_probes)
    assert seen["files"] == []
    assert dug.log == "dug"


def test_a_child_killed_while_idle_is_replaced_silently(own_probes: ProbeSandbox) -> None:
    killed = pid_serving(own_probes)
    kill_and_wait(killed, signal.SIGKILL)
    assert pid_serving(own_probes) != killed


def test_a_child_killed_while_it_is_given_a_document_is_replaced_silently(own_probes: ProbeSandbox) -> None:
    # It closed its request pipe, which looks to the parent like a death at the worst moment.
    closed = probe(own_probes, "answer_and_hang_up").page_count
    assert pid_serving(own_probes) != closed


def test_a_child_killed_while_rendering_is_a_crash_that_may_pass(own_probes: ProbeSandbox) -> None:
    with ThreadPoolExecutor(1) as pool:
        rendering = pool.submit(failed_probe, own_probes, "sleep")
        os.kill(busy_child(own_probes), signal.SIGKILL)
        error = rendering.result()
    assert error.code is ErrorCode.RENDER_CRASH
    assert not error.permanent
    assert probe(own_probes, "echo", "next").log == "next"


def test_a_zygote_killed_while_idle_is_replaced_silently(own_probes: ProbeSandbox) -> None:
    child = watch(pid_serving(own_probes))
    zygote = surroundings(own_probes)["zygote"]
    kill_and_wait(zygote, signal.SIGKILL)
    assert ends(child), "its children die with it"
    os.close(child)
    assert surroundings(own_probes)["zygote"] != zygote


def test_a_zygote_killed_while_a_child_renders_is_a_crash_and_then_replaced(own_probes: ProbeSandbox) -> None:
    zygote = surroundings(own_probes)["zygote"]
    with ThreadPoolExecutor(1) as pool:
        rendering = pool.submit(failed_probe, own_probes, "sleep")
        busy_child(own_probes)
        kill_and_wait(zygote, signal.SIGKILL)
        error = rendering.result()
    assert error.code is ErrorCode.RENDER_CRASH
    assert probe(own_probes, "echo", "next").log == "next"


def test_a_zygote_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        sandbox = ProbeSandbox(scratch_root=tmp_path)
        pool.submit(sandbox.start).result()
        zygote = pool.submit(surroundings, sandbox).result()["zygote"]
    assert surroundings(sandbox)["zygote"] == zygote
    sandbox.close()


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_a_killed_parent_leaves_no_zygote_and_no_child(tmp_path: Path, state: str) -> None:
    command = [sys.executable, "-c", PARENT_PROGRAM, str(tmp_path), state]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT_ROOT, text=True
    ) as parent:
        assert parent.stdout is not None
        pidfds = [watch(int(pid)) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(pidfds) == 2
    for pidfd in pidfds:
        assert ends(pidfd)
        os.close(pidfd)
    left_behind = list(tmp_path.glob("sandbox-*"))
    with ProbeSandbox(scratch_root=tmp_path):
        assert len(left_behind) == 1
        assert not left_behind[0].exists(), "the next sandbox sweeps what a killed one left"


def test_closing_ends_every_process_and_removes_every_file(tmp_path: Path) -> None:
    sandbox = ProbeSandbox(scratch_root=tmp_path)
    pidfds = [watch(surroundings(sandbox)["zygote"]), watch(pid_serving(sandbox))]
    sandbox.close()
    for pidfd in pidfds:
        assert ends(pidfd)
        os.close(pidfd)
    assert not list(tmp_path.glob("sandbox-*"))
    sandbox.close()


def test_a_living_sandbox_is_not_swept_by_another(tmp_path: Path) -> None:
    with ProbeSandbox(scratch_root=tmp_path) as first, ProbeSandbox(scratch_root=tmp_path) as second:
        assert probe(first, "write", "file").log == probe(second, "write", "file").log == "written"


def test_an_interrupted_render_says_so_and_the_next_one_works(own_probes: ProbeSandbox) -> None:
    with ThreadPoolExecutor(1) as pool:
        rendering = pool.submit(probe, own_probes, "sleep")
        child = watch(busy_child(own_probes))
        own_probes.interrupt()
        with pytest.raises(RenderInterrupted):
            rendering.result()
    assert ends(child)
    os.close(child)
    assert probe(own_probes, "echo", "next").log == "next"


def test_an_interrupt_while_a_child_is_being_found_is_not_lost(
    own_probes: ProbeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    child_for = own_probes._nursery.child_for

    def interrupted_meanwhile(tenant: str) -> Child:
        own_probes.interrupt()
        return child_for(tenant)

    monkeypatch.setattr(own_probes._nursery, "child_for", interrupted_meanwhile)
    begun = time.monotonic()
    with pytest.raises(RenderInterrupted):
        probe(own_probes, "sleep")
    assert time.monotonic() - begun < 4, "it did not wait for the timeout"


def test_an_interrupt_while_nothing_renders_is_harmless(own_probes: ProbeSandbox) -> None:
    child = pid_serving(own_probes)
    own_probes.interrupt()
    assert pid_serving(own_probes) == child


def test_interrupts_from_many_threads_at_any_moment_end_in_a_document_or_an_interruption(tmp_path: Path) -> None:
    stop = threading.Event()

    def interrupt_on_and_on() -> None:
        while not stop.wait(0.003):
            sandbox.interrupt()

    outcomes = set()
    with (
        ProbeSandbox(scratch_root=tmp_path, limits=RenderLimits(timeout_s=20)) as sandbox,
        ThreadPoolExecutor(2) as pool,
    ):
        disturbers = [pool.submit(interrupt_on_and_on) for _ in range(2)]
        for _ in range(100):
            try:
                outcomes.add(probe(sandbox, "echo", "made").log)
            except RenderInterrupted:
                outcomes.add("interrupted")
        stop.set()
        for disturber in disturbers:
            disturber.result()
    assert outcomes <= {"made", "interrupted"}
    assert "interrupted" in outcomes


def test_renders_from_two_threads_take_turns(own_probes: ProbeSandbox) -> None:
    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda text: probe(own_probes, "echo", text).log, map(str, range(20)))
        assert list(results) == [str(number) for number in range(20)]


def test_a_program_that_cannot_start_is_no_documents_fault(tmp_path: Path) -> None:
    with pytest.raises(RendererUnavailable, match="no_such_program"):
        BrokenProgram(scratch_root=tmp_path).start()


def _render_in_a_daemon(connection: Connection, root: Path) -> None:
    os.chdir("/")
    with ProbeSandbox(scratch_root=root) as sandbox:
        connection.send(probe(sandbox, "echo", "from a daemon").log)


def test_a_daemonic_worker_process_in_any_directory_can_render(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    worker = context.Process(target=_render_in_a_daemon, args=(theirs, tmp_path), daemon=True)
    worker.start()
    theirs.close()
    assert ours.poll(30)
    assert ours.recv() == "from a daemon"
    worker.join()
    ours.close()
