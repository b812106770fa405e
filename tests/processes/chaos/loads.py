"""What callers ask for while things die: kinds of load, all alike. To add one, add a Load to LOADS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.processes.service import SLOW

BATCHES = "/pdf/batches"
# What may befall any job that is killed three times or that a loaded machine makes too slowly.
MISFORTUNES = frozenset({"render_crash", "render_timeout"})


@dataclass(frozen=True)
class Wish:
    """One request, and how its caller behaves.

    `repeats` is how often it is sent at once, with one idempotency key; `cancel_after` says after how many seconds the
    caller thinks better of it.
    """

    body: Mapping[str, Any]
    repeats: int = 1
    cancel_after: float | None = None


@dataclass(frozen=True)
class Load:
    """A kind of load: how often it comes, what is sent, and which ends of its jobs are honest.

    `errors` are the codes with which its jobs may fail; `must_fail` says that none may be done; `path` is where it is
    sent.
    """

    name: str
    weight: int
    wish: Callable[[Random], Wish]
    errors: frozenset[str] = field(default=MISFORTUNES)
    must_fail: bool = False
    path: str = "/pdf/generate"


def document(random: Random, *, rows: int = 3, mood: str = "fine", engine: str = "plutobook", **more: Any) -> Wish:
    """Return the wish for a document that nobody else asks for."""
    payload = {"unique": f"{random.getrandbits(64):x}", "rows": rows, "mood": mood}
    return Wish({"template": f"moody-{engine}", "payload": payload, **more})


def _quick(random: Random) -> Wish:
    return document(random, rows=random.randint(1, 30), priority=random.randint(1, 10))


def _slow(random: Random) -> Wish:
    return document(random, rows=random.randint(SLOW // 2, SLOW), priority=random.randint(3, 7))


def _weasyprint(random: Random) -> Wish:
    return document(random, rows=random.randint(1, 10), engine="weasyprint")


def _same_again(random: Random) -> Wish:
    """One of few documents that many want."""
    payload = {"unique": f"same {random.randint(1, 4)}", "rows": 40, "mood": "fine"}
    return Wish({"template": "moody-plutobook", "payload": payload})


def _sent_twice(random: Random) -> Wish:
    """A caller whose retry overtakes its first try; without dedup, so that the key alone keeps them apart."""
    return Wish(document(random, dedup=False).body, repeats=random.randint(2, 4))


def _batch(random: Random) -> Wish:
    """Some documents in one request: jobs that expand it, make them, and put them together."""
    items = [
        {"payload": {"unique": f"{random.getrandbits(64):x}", "rows": 3, "mood": "fine"}, "reference": str(number)}
        for number in range(random.randint(2, 6))
    ]
    output = random.choice(("separate", "zip", "merged"))
    return Wish({"template": "moody-plutobook", "output": output, "items": items}, repeats=random.randint(1, 2))


def _cancelled(random: Random) -> Wish:
    """Urgent, so that some are being made by the time."""
    return Wish(document(random, rows=2 * SLOW, priority=1).body, cancel_after=random.uniform(0, 4))


LOADS: tuple[Load, ...] = (
    Load("quick", 50, _quick),
    Load("slow", 8, _slow),
    Load("weasyprint", 8, _weasyprint),
    Load("same again", 10, _same_again),
    Load("sent twice", 8, _sent_twice),
    Load("batch", 4, _batch, path=BATCHES),
    Load("cancelled", 5, _cancelled),
    Load(
        "template error",
        4,
        lambda random: document(random, mood="broken"),
        errors=MISFORTUNES | {"template_error"},
        must_fail=True,
    ),
    Load(
        "payload error",
        4,
        lambda random: document(random, mood="lacking"),
        errors=MISFORTUNES | {"payload_error"},
        must_fail=True,
    ),
    Load(
        "memory bomb",
        2,
        lambda random: document(random, mood="bomb"),
        errors=MISFORTUNES | {"render_memory"},
        must_fail=True,
    ),
    Load("hang", 1, lambda random: document(random, mood="hang"), must_fail=True),
)


def choose(random: Random, count: int, *, without: frozenset[str] = frozenset()) -> list[Load]:
    """Return `count` loads in random order, each kind at least once if there is room."""
    kinds = [load for load in LOADS if load.name not in without]
    rest = random.choices(kinds, [load.weight for load in kinds], k=max(0, count - len(kinds)))
    chosen = [*kinds, *rest][:count]
    random.shuffle(chosen)
    return chosen
