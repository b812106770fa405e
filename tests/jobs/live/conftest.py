"""A board that knows nothing of the last test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs_app.live.board import board


@pytest.fixture(autouse=True)
def _fresh_board() -> Iterator[None]:
    board.forget()
    yield
    board.forget()
