"""Callers who send what they want until they know the answer, however often the service breaks off."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import httpx

from tests.processes.chaos.loads import Load, Wish

# A caller who gets no answer for so long gives up, and the suite with it.
PATIENCE_SECONDS = 90.0
_PAUSE_SECONDS = 0.2
ANSWERS_TO_WAIT_AFTER = frozenset({429, 503})


@dataclass(frozen=True)
class Accepted:
    """A job or a batch that was accepted, for which load, and whether its caller was told that it is cancelled."""

    job: UUID
    load: Load
    is_cancelled: bool = False


@dataclass
class Callers:
    """Everybody who calls, on behalf of the teams whose keys are `keys`; safe to use from many threads."""

    base: str
    keys: dict[str, str]
    accepted: list[Accepted] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def want(self, load: Load, seed: int) -> None:
        """Have one wish of this load fulfilled, up to the moment when it is accepted."""
        random = Random(seed)
        wish = load.wish(random)
        key, team = f"key-{seed}", random.choice(sorted(self.keys))
        found: set[UUID] = set()
        threads = [
            threading.Thread(target=self._send, args=(load, wish, team, key, found)) for _ in range(wish.repeats - 1)
        ]
        for thread in threads:
            thread.start()
        self._send(load, wish, team, key, found)
        for thread in threads:
            thread.join()
        if len(found) != 1:
            self._complain(f"{load.name}: the idempotency key {key} stands for {len(found)} jobs")
        for job in found:
            is_cancelled = wish.cancel_after is not None and self._cancel(job, team, wish.cancel_after)
            with self._lock:
                self.accepted.append(Accepted(job, load, is_cancelled))

    def _send(self, load: Load, wish: Wish, team: str, key: str, found: set[UUID]) -> None:
        answer = self._call("POST", load.path, team, json=dict(wish.body), headers={"Idempotency-Key": key})
        if answer is not None and answer.status_code == 202:
            found.add(UUID(answer.json()["id"]))
        elif answer is not None:
            self._complain(f"{load.name}: {answer.status_code} {answer.text[:300]}")

    def _cancel(self, job: UUID, team: str, after: float) -> bool:
        threading.Event().wait(after)
        answer = self._call("POST", f"/pdf/jobs/{job}/cancel", team)
        if answer is not None and answer.status_code not in {200, 409}:
            self._complain(f"cancel: {answer.status_code} {answer.text[:300]}")
        return answer is not None and answer.status_code == 200

    def _call(self, method: str, path: str, team: str, **more: Any) -> httpx.Response | None:
        """Return the first answer that is one, None when there is none for too long."""
        deadline, pause = time.monotonic() + PATIENCE_SECONDS, threading.Event()
        headers = {"Authorization": f"Bearer {self.keys[team]}", **more.pop("headers", {})}
        while time.monotonic() < deadline:
            try:
                # A connection of its own each time: a caller's pool would hide what a killed server does to it.
                answer = httpx.request(method, self.base + path, headers=headers, timeout=30, trust_env=False, **more)
            except httpx.TransportError as error:
                self._count(type(error).__name__)
            else:
                self._count(str(answer.status_code))
                if answer.status_code not in ANSWERS_TO_WAIT_AFTER:
                    return answer
            pause.wait(_PAUSE_SECONDS)
        self._complain(f"{method} {path}: no answer for {PATIENCE_SECONDS:.0f} s")
        return None

    def _count(self, answer: str) -> None:
        with self._lock:
            self.answers[answer] += 1

    def _complain(self, fault: str) -> None:
        with self._lock:
            self.faults.append(fault)
