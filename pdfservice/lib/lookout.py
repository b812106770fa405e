"""One thread that looks into the database again and again, for all who wait in an event loop, while anybody does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connections

P = ParamSpec("P")
T = TypeVar("T")


class Lookout:
    """Calls `rounds` every so many seconds while `is_wanted`; begins anew when woken. All in the loop that woke it.

    `every_seconds` may be a function, which is asked before each pause.
    """

    def __init__(
        self,
        name: str,
        *,
        every_seconds: float | Callable[[], float],
        is_wanted: Callable[[], bool],
        rounds: Callable[[], Awaitable[None]],
    ) -> None:
        self._every_seconds = every_seconds
        self._is_wanted = is_wanted
        self._rounds = rounds
        self._watching: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    def wake(self) -> None:
        """See to it that somebody looks."""
        if self._watching is None or self._watching.done():
            self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def ask(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in the one thread, which has a connection of its own."""

        def call() -> T:
            close_old_connections()
            return function(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def close(self) -> None:
        """End the thread and its connection."""
        self._thread.submit(connections.close_all)
        self._thread.shutdown()

    async def _watch(self) -> None:
        while self._is_wanted():
            pause = self._every_seconds
            await asyncio.sleep(pause() if callable(pause) else pause)
            await self._rounds()
