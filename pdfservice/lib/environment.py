"""Strict reading of environment variables; every secret may come from the file that `NAME_FILE` points at."""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


class Environment:
    """The process environment, read strictly: a value that makes no sense stops the start and says which and why."""

    def __init__(self, variables: Mapping[str, str] = os.environ) -> None:
        self._variables = variables

    def text(self, name: str, default: str = "") -> str:
        """Return variable `name`, else what the file in `NAME_FILE` holds, else `default`; empty counts as unset."""
        if value := self._variables.get(name, "").strip():
            return value
        if path := self._variables.get(f"{name}_FILE", "").strip():
            try:
                return Path(path).read_text().strip()
            except OSError as error:
                problem = f"{name}_FILE is {path!r}, which cannot be read: {error.strerror}."
                raise ImproperlyConfigured(problem) from error
        return default

    def flag(self, name: str, default: bool) -> bool:
        """Return a yes or no; raise ImproperlyConfigured for anything that is neither."""
        value = self.text(name, "yes" if default else "no").lower()
        if value in {"1", "true", "yes", "on"}:
            return True
        if value in {"0", "false", "no", "off"}:
            return False
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be yes or no.")

    def items(self, name: str, default: Sequence[str]) -> list[str]:
        """Return the comma-separated values in variable `name`, without blanks."""
        return [part.strip() for part in self.text(name, ",".join(default)).split(",") if part.strip()]

    def networks(self, name: str) -> list[str]:
        """Return the networks in variable `name`, CIDR notation; raise ImproperlyConfigured for anything else."""
        try:
            return [str(ipaddress.ip_network(text)) for text in self.items(name, [])]
        except ValueError as error:
            raise ImproperlyConfigured(f"{name} must hold networks in CIDR notation: {error}.") from error

    def int_between(self, name: str, default: int, low: int, high: int) -> int:
        """Return the whole number in `name`, or `default`; raise ImproperlyConfigured outside `low`..`high`."""
        try:
            value = int(self.text(name, f"{default}"))
        except ValueError as error:
            raise ImproperlyConfigured(f"{name} must be a whole number from {low} to {high}.") from error
        if not low <= value <= high:
            raise ImproperlyConfigured(f"{name} is {value}; it must lie between {low} and {high}.")
        return value

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """Return variable `name`, or `default`; raise ImproperlyConfigured when it is none of `allowed`."""
        value = self.text(name, default)
        if value not in allowed:
            raise ImproperlyConfigured(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.")
        return value


def secret_key(env: Environment, data_dir: Path, *, embedded: bool) -> str:
    """Return `SECRET_KEY`; on the embedded profile make one in `data_dir/secret_key` when there is none.

    Queue messages are pickles signed with it, so a guessable key is remote code execution: there is no default, and a
    service that shares a database or a broker must be told its key.
    """
    given = env.text("SECRET_KEY")
    if given:
        return given
    if not embedded:
        raise ImproperlyConfigured(
            "SECRET_KEY is required as soon as DATABASE_URL or REDIS_URL is set. "
            "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(64))'"
        )
    path = data_dir / "secret_key"
    data_dir.mkdir(parents=True, exist_ok=True)
    # Written beside its place and linked, so that of two processes starting at once both read the same whole key.
    draft = path.with_name(f"secret_key.{os.getpid()}.{secrets.token_hex(4)}")
    if not path.exists():
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(64))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
