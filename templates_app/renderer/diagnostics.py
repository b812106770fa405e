"""What the engines say while they work: WeasyPrint by logging, PlutoBook only on standard error."""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from templates_app.renderer.wire import MAX_LOG_CHARS, MAX_WARNING_CHARS, MAX_WARNINGS

_STDERR_FD = 2
_STDERR_BYTES = 64 << 10
_BROKEN_IMAGE = re.compile(
    r"(?:Failed to load image at|Unable to load image) '(?P<url>.*?)': (?P<reason>.*)", re.DOTALL
)
_UNRESOLVED = re.compile(r"Unable to complete URL: '(?P<url>.*)'")
# Refusals are reported by `resources`, with better words; which library cuts fonts down is no concern of an author.
_KNOWN_ALREADY = re.compile(r"ResourceRefused|^Failed to fetch URL |^Using fontTools instead of HarfBuzz-Subset")
_PLUTOBOOK_PREFIX = "WARNING: "


class Notes(logging.Handler):
    """Collects messages of one document, bounded in number and length."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._messages: list[str] = []
        self._stderr_begin = _stderr_size()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message of WeasyPrint's (called by logging)."""
        if len(self._messages) < 4 * MAX_WARNINGS:
            self._messages.append(_message_of(record)[: 4 * MAX_WARNING_CHARS])

    def broken_images(self) -> list[tuple[str, str]]:
        """Return URL and reason of every image that was there but could not be used."""
        matches = (_BROKEN_IMAGE.match(line) or _UNRESOLVED.match(line) for line in self._notable())
        found = [match.groupdict() for match in matches if match]
        return [(match["url"], match.get("reason", "it leads nowhere")) for match in found]

    def warnings(self) -> list[str]:
        """Return everything else that is worth telling an author, each message once."""
        lines = (line for line in self._notable() if not _BROKEN_IMAGE.match(line) and not _UNRESOLVED.match(line))
        return list(dict.fromkeys(line[:MAX_WARNING_CHARS] for line in lines))[:MAX_WARNINGS]

    def text(self) -> str:
        """Return all of it."""
        return "\n".join([*self._messages, self._stderr()])[:MAX_LOG_CHARS].strip()

    def _notable(self) -> list[str]:
        printed = (line for line in self._stderr().splitlines() if line.startswith(_PLUTOBOOK_PREFIX))
        lines = [*self._messages, *(line.removeprefix(_PLUTOBOOK_PREFIX) for line in printed)]
        return [line for line in lines if not _KNOWN_ALREADY.search(line)]

    def _stderr(self) -> str:
        if self._stderr_begin is None:
            return ""
        return os.pread(_STDERR_FD, _STDERR_BYTES, self._stderr_begin).decode("utf-8", "replace")


def _message_of(record: logging.LogRecord) -> str:
    """Return the message, with the cause of an exception that has no words of its own."""
    message = record.getMessage()
    error = record.args[-1] if isinstance(record.args, tuple) and record.args else None
    if isinstance(error, Exception) and error.__cause__ and not str(error):
        message += f"{type(error.__cause__).__name__}: {error.__cause__}"
    return message


@contextmanager
def capture() -> Iterator[Notes]:
    """Collect what is said within the block."""
    notes = Notes()
    logger = logging.getLogger("weasyprint")
    logger.propagate = False
    logger.addHandler(notes)
    try:
        yield notes
    finally:
        logger.removeHandler(notes)


def _stderr_size() -> int | None:
    """Return where the next message will begin; None where standard error cannot be read back."""
    status = os.fstat(_STDERR_FD)
    return status.st_size if stat.S_ISREG(status.st_mode) else None
