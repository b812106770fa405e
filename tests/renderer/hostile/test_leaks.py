"""Nothing in a document makes anything leave or opens a file: not by the rules alone, and not by the cell alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

import pytest

from templates_app.renderer.contracts import Engine, ErrorCode, RenderError
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.hostile import cage, leaks
from tests.renderer.hostile.test_bombs import rendered

UNSHARE = ("unshare", "--map-root-user", "--net", "--mount")


def cage_problem() -> str | None:
    """Say what this machine lacks to build the cage."""
    for tool in ("unshare", "ip", "mount"):
        if shutil.which(tool) is None:
            return f"{tool} is missing"
    tried = subprocess.run([*UNSHARE, "true"], capture_output=True, check=False)
    return None if tried.returncode == 0 else "this user may not make a network namespace"


@pytest.mark.slow
def test_without_any_confinement_no_packet_leaves_and_no_file_is_opened() -> None:
    if problem := cage_problem():
        pytest.skip(problem)
    # Not a pipe: what PlutoBook says about a document is read back from standard error.
    with tempfile.TemporaryFile() as errors:
        command = [*UNSHARE, sys.executable, cage.__file__]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, check=False)
        errors.seek(0)
        assert done.returncode == 0, errors.read()[-3000:].decode(errors="replace")
    report = json.loads(done.stdout)
    assert report["control"] == {"name": True, "address": True, "file": True}, "the cage sees what does leave"
    assert report["packets"] == {}
    assert report["touched"] == []
    assert report["spilt"] == []
    assert report["documents"] > 10 * len(leaks.PLACES)
    # Everywhere else a document came of it, so that all of its addresses were met.
    refused = {line.partition(" on ")[0] for line in report["refused"]}
    assert refused == {"color-profile.css", "color-profile-own.css", "include.mjml", "partial.lookup"}


@pytest.mark.slow
@pytest.mark.parametrize("engine", list(Engine))
@pytest.mark.parametrize("place", leaks.PLACES)
def test_a_confined_child_does_not_even_open_a_socket(
    sandbox: Sandbox, place: str, engine: Engine, tmp_path: Path
) -> None:
    """It would be killed for it, and that is a crash."""
    for suffix, text in leaks.CANARIES.items():
        (tmp_path / f"canary{suffix}").write_text(text)
    for spec in islice(leaks.specs(place, engine, tmp_path), 5):
        outcome = rendered(sandbox, spec)
        if isinstance(outcome, RenderError):
            assert outcome.code in {ErrorCode.ASSET_MISSING, ErrorCode.TEMPLATE_ERROR}, outcome.message
        else:
            assert not cage.spilt(outcome.pdf)
