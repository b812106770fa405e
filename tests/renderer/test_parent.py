"""The renderer belongs to its parent process, whatever that is, and ends with it."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tests.renderer.support import ProbeSandbox, ends, probe, surroundings, watch

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
