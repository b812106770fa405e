"""Directories on disk: a workspace per sandbox, a directory per child in it, and fontconfig's shared cache."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

_FONTS_CONF = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>/usr/local/share/fonts</dir>
  <include ignore_missing="yes">/etc/fonts/conf.d</include>
  <cachedir>{cache}</cachedir>
  <config><rescan><int>0</int></rescan></config>
</fontconfig>
"""


def prepare_fontconfig(root: Path) -> Path:
    """Write fontconfig's configuration under `root`, its cache beside it; return their directory.

    Zygotes fill the cache, children only read it. It is shared by all sandboxes of a root and outlives them.
    """
    directory = root / "fontconfig"
    cache = directory / "cache"
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = _FONTS_CONF.format(cache=cache)
    conf = directory / "fonts.conf"
    if not conf.exists() or conf.read_text() != content:
        draft = directory / f"fonts.conf.{os.getpid()}"
        draft.write_text(content)
        draft.replace(conf)
    return directory


class Workspace:
    """The directories of one sandbox, locked while it lives so that another can tell what a killed one left behind."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        _sweep(root)
        draft = Path(tempfile.mkdtemp(prefix="new-", dir=root))
        self._lock = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        # Only now may others see it: an unlocked directory of this name is swept.
        self.path = draft.rename(root / draft.name.replace("new-", "sandbox-", 1))

    def new_directory(self) -> Path:
        """Return a fresh empty directory that only this user may enter."""
        return Path(tempfile.mkdtemp(prefix="child-", dir=self.path))

    def close(self) -> None:
        """Remove everything."""
        remove(self.path)
        os.close(self._lock)


def empty(directory: Path) -> None:
    """Remove what is inside `directory`."""
    with os.scandir(directory) as entries:
        leftovers = [Path(entry.path) for entry in entries]
    for path in leftovers:
        remove(path)


def remove(path: Path) -> None:
    """Remove a file or directory that hostile code may have filled."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        return
    except (OSError, RecursionError):
        _force_remove(path)


def _force_remove(path: Path) -> None:
    # Unreadable directories, and trees deeper than rmtree can follow.
    for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
        subprocess.run([*command, "--", str(path)], check=False, capture_output=True)


def _sweep(root: Path) -> None:
    for path in root.glob("sandbox-*"):
        with suppress(OSError):
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(path)
            finally:
                os.close(lock)
