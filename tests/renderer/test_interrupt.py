"""Another thread may stop a render at any moment."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from templates_app.renderer.child import Child
from templates_app.renderer.contracts import RenderInterrupted, RenderLimits
from tests.renderer.support import ProbeSandbox, busy_child, ends, probe, watch


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
    child = probe(own_probes, "echo").page_count
    own_probes.interrupt()
    assert probe(own_probes, "echo").page_count == child


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
