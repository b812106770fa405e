"""What code inside a template's process can reach: nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from templates_app.renderer import confinement, landlock, seccomp
from templates_app.renderer.contracts import ConfinementUnavailable, ErrorCode, RenderLimits
from tests.renderer.support import (
    BrokenLandlockSandbox,
    LandlocklessSandbox,
    ProbeSandbox,
    failed_probe,
    probe,
    surroundings,
)

FORBIDDEN = {
    "socket": "",
    "unix_socket": "",
    "fork": "",
    "exec": "/bin/true",
    "kill": str(os.getpid()),
    "ptrace": str(os.getpid()),
    "memfd": "",
    "symlink": "",
    "chmod": "",
    "unshare": "",
}


@pytest.mark.parametrize("call", FORBIDDEN)
def test_a_forbidden_call_kills_the_child(probes: ProbeSandbox, call: str) -> None:
    error = failed_probe(probes, call, FORBIDDEN[call])
    assert error.code is ErrorCode.RENDER_CRASH
    assert "SIGSYS" in error.message
    assert not error.permanent


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/proc/self/environ", "/proc/1/cmdline", "/sys/devices/system/cpu/online", __file__]
)
def test_files_of_the_machine_cannot_be_read(probes: ProbeSandbox, path: str) -> None:
    assert Path(path).exists()
    assert probe(probes, "read", path).log == "PermissionError"


def test_files_outside_the_scratch_directory_cannot_be_written(probes: ProbeSandbox, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    for path in (target, tmp_path / "new", Path("/dev/shm/new"), Path("/var/tmp/new")):
        assert probe(probes, "write", str(path)).log == "PermissionError"
    assert target.read_text() == "mine"


def test_another_childs_scratch_directory_cannot_be_read_or_written(probes: ProbeSandbox) -> None:
    elsewhere = Path(surroundings(probes, tenant="umbrella")["directory"])
    (elsewhere / "secret").write_text("umbrella's")
    assert probe(probes, "read", str(elsewhere / "secret")).log == "PermissionError"
    assert probe(probes, "write", str(elsewhere / "planted")).log == "PermissionError"
    assert surroundings(probes, tenant="acme")["directory"] != str(elsewhere)


def test_its_own_scratch_directory_can_be_used(probes: ProbeSandbox) -> None:
    assert probe(probes, "write", "file").log == "written"


def test_the_environment_holds_nothing_of_the_parents(probes: ProbeSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hidden")
    seen = surroundings(probes, tenant="new")
    assert set(seen["environment"]) == {"HOME", "TMPDIR", "XDG_CACHE_HOME", "LANG", "TZ", "FONTCONFIG_FILE"}
    assert seen["environment"]["HOME"] == seen["directory"] == seen["temporary"]


def test_only_the_pipes_and_the_standard_descriptors_are_open(probes: ProbeSandbox) -> None:
    assert surroundings(probes)["descriptors"] == [0, 1, 2, 200, 201]


def test_standard_input_is_empty(probes: ProbeSandbox) -> None:
    assert probe(probes, "stdin").log == "b''"


def test_threads_still_start_because_pango_needs_them(probes: ProbeSandbox) -> None:
    assert probe(probes, "start_thread").log == "ran"


def test_this_machine_has_what_confinement_needs() -> None:
    assert confinement.confinement_problem() is None


def test_a_kernel_without_landlock_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    assert "Landlock" in str(confinement.confinement_problem())


def test_a_missing_seccomp_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "_library_problem", lambda: "libseccomp is not installed")
    assert "libseccomp" in str(confinement.confinement_problem())


def test_the_parent_refuses_to_start_without_landlock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    with pytest.raises(ConfinementUnavailable, match="Landlock"):
        ProbeSandbox(scratch_root=tmp_path).start()


def test_a_zygote_that_finds_no_landlock_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(ConfinementUnavailable, match="Landlock"):
        LandlocklessSandbox(scratch_root=tmp_path).start()


def test_a_child_that_cannot_be_confined_is_given_nothing(tmp_path: Path) -> None:
    with (
        BrokenLandlockSandbox(scratch_root=tmp_path) as sandbox,
        pytest.raises(ConfinementUnavailable, match="no Landlock for you"),
    ):
        probe(sandbox, "echo")


def test_unconfined_by_permission_a_child_still_gives_up_what_the_kernel_lets_it(tmp_path: Path) -> None:
    limits = RenderLimits(timeout_s=5, memory_mb=192)
    with LandlocklessSandbox(scratch_root=tmp_path, limits=limits, allow_unconfined=True) as sandbox:
        assert "root:" in probe(sandbox, "read", "/etc/passwd").log
        assert "SIGSYS" in failed_probe(sandbox, "socket").message
        seen = json.loads(probe(sandbox, "surroundings").log)
        assert "PATH" not in seen["environment"]
