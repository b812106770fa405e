"""Sandboxes: one warm with the engines for the whole run, one of probes per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from templates_app.renderer.contracts import RenderLimits
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.support import ProbeSandbox


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A warm sandbox with both engines, for tests that are not about its isolation."""
    with Sandbox(scratch_root=tmp_path_factory.mktemp("scratch"), limits=RenderLimits(timeout_s=20)) as warm:
        yield warm


@pytest.fixture(scope="session")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A warm sandbox with little time and memory, for bombs."""
    limits = RenderLimits(timeout_s=1.5, memory_mb=192, output_mb=1)
    with Sandbox(scratch_root=tmp_path_factory.mktemp("tight"), limits=limits) as warm:
        yield warm


@pytest.fixture(scope="session")
def probes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProbeSandbox]:
    """A sandbox of probes for tests that leave its zygote alive."""
    limits = RenderLimits(timeout_s=1, memory_mb=192, output_mb=1)
    with ProbeSandbox(scratch_root=tmp_path_factory.mktemp("probes"), limits=limits) as started:
        yield started


@pytest.fixture
def own_probes(tmp_path: Path) -> Iterator[ProbeSandbox]:
    """A sandbox of probes for one test alone."""
    limits = RenderLimits(
        timeout_s=5, memory_mb=192, output_mb=1, child_max_documents=3, child_max_growth_mb=50, max_children=2
    )
    with ProbeSandbox(scratch_root=tmp_path / "scratch", limits=limits) as started:
        yield started
