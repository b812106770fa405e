"""What a child gives up before it sees the first byte of a template."""

from __future__ import annotations

import os
import resource
import sysconfig
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from templates_app.renderer import landlock, libc, seccomp

if TYPE_CHECKING:
    from pyseccomp import SyscallFilter

_SCRATCH_FILE_BYTES = 64 << 20
_OPEN_FILES = 256
_READABLE = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/usr/share/fontconfig",
    "/etc/fonts",
    "/usr/lib",
    "/usr/lib64",
    "/lib",
    "/lib64",
    "/usr/share/mime",
    "/usr/share/zoneinfo",
    "/dev/null",
    "/dev/urandom",
)


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a child lives and how much it may hold; `required` refuses to live outside Landlock and seccomp."""

    scratch: str
    fontconfig: str
    memory_mb: int
    required: bool


def confinement_problem() -> str | None:
    """Say in one sentence what this machine lacks to confine the renderer; None when it lacks nothing. Cheap."""
    missing = []
    if landlock.abi() < 1:
        missing.append("the kernel has no Landlock (Linux 5.13 or later with landlock in its lsm= list)")
    if reason := seccomp.problem():
        missing.append(reason)
    return "; ".join(missing) or None


def confine(cell: Cell, rules: SyscallFilter | None) -> None:
    """Give up environment, files, network, processes and the right to more memory, in the order that still works.

    Raise OSError when `cell.required` and the kernel refuses; without it, give up whatever the kernel lets us give up.
    """
    _forget_environment(cell)
    _limit_resources(cell)
    libc.become_undumpable()
    if cell.required or landlock.abi() >= 1:
        landlock.restrict(readable=_readable_paths(cell), writable=(cell.scratch,))
    if rules is not None:
        seccomp.load_filter(rules)
    elif cell.required:
        raise OSError("no seccomp filter")


def _forget_environment(cell: Cell) -> None:
    for name in list(os.environ):
        del os.environ[name]
    os.environ.update(dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), cell.scratch))
    # Every WeasyPrint font configuration reads fontconfig's own configuration again.
    os.environ.update(LANG="C.UTF-8", TZ="UTC", FONTCONFIG_FILE=f"{cell.fontconfig}/fonts.conf")
    tempfile.tempdir = cell.scratch
    os.chdir(cell.scratch)
    os.umask(0o077)


def _limit_resources(cell: Cell) -> None:
    memory = cell.memory_mb << 20
    # Not RLIMIT_AS: a fresh child has 458 MB of address space and 74 MB of data.
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_SCRATCH_FILE_BYTES, _SCRATCH_FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _readable_paths(cell: Cell) -> list[str]:
    # Without Python's own libraries WeasyPrint silently drops images and fonts whose decoders are imported late.
    libraries = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return [*_READABLE, *sorted(libraries), cell.fontconfig]
