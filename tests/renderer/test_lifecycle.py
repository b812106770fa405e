"""Zygotes and children come and go; documents do not notice."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from templates_app.renderer.contracts import (
    ErrorCode,
    RendererUnavailable,
)
from tests.renderer.support import (
    ProbeSandbox,
    busy_child,
    ends,
    failed_probe,
    kill_and_wait,
    probe,
    surroundings,
    watch,
)


class BrokenProgram(ProbeSandbox):
    """A zygote that cannot even import its program."""

    program = "tests.renderer.no_such_program"


class ProbesAtTheSecondStart(ProbeSandbox):
    """A zygote that is killed while it starts for the first time, at the first document."""

    program = "tests.renderer.probes_at_the_second_start"

    def start(self) -> None:
        """Leave it to the document."""


def pid_serving(sandbox: ProbeSandbox, tenant: str = "acme") -> int:
    return probe(sandbox, "echo", tenant=tenant).page_count


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


def test_a_document_says_whether_a_child_was_begun_for_it(own_probes: ProbeSandbox) -> None:
    begun = [probe(own_probes, "echo").is_childs_first for _ in range(7)]
    assert begun == [True, False, False, True, False, False, True]


def test_a_child_that_grew_large_retires(own_probes: ProbeSandbox) -> None:
    grown = probe(own_probes, "hoard_memory", "30").page_count
    assert probe(own_probes, "hoard_memory", "25").page_count == grown
    assert pid_serving(own_probes) != grown


def test_a_child_that_gave_its_memory_back_serves_on(own_probes: ProbeSandbox) -> None:
    grown = probe(own_probes, "hold_memory", "140")
    assert grown.peak_memory_kb > 140 << 10
    assert pid_serving(own_probes) == grown.page_count


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


def test_a_zygote_killed_while_it_starts_is_replaced_silently(tmp_path: Path) -> None:
    with ProbesAtTheSecondStart(scratch_root=tmp_path) as sandbox:
        assert probe(sandbox, "echo", "made").log == "made"


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


def test_renders_from_two_threads_take_turns(own_probes: ProbeSandbox) -> None:
    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda text: probe(own_probes, "echo", text).log, map(str, range(20)))
        assert list(results) == [str(number) for number in range(20)]


def test_a_program_that_cannot_start_is_no_documents_fault(tmp_path: Path) -> None:
    with pytest.raises(RendererUnavailable, match="no_such_program"):
        BrokenProgram(scratch_root=tmp_path).start()
