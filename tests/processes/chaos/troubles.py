"""What befalls the service: kinds of trouble, all alike. To add a kill, add a Trouble to KILLS."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from random import Random

import redis

from tests.processes.places import CLAIM
from tests.processes.procfs import Process
from tests.processes.service import CUT, Cluster, Service
from tests.s3_server import S3Server

_PATIENCE_SECONDS = 3.0


@dataclass(frozen=True)
class Scene:
    """Where trouble strikes."""

    service: Service
    s3: S3Server
    random: Random
    outage_seconds: float


@dataclass(frozen=True)
class Trouble:
    """A kind of trouble; `strike` says whether there was anything to strike."""

    name: str
    weight: int
    strike: Callable[[Scene], bool]


def _kill(find: Callable[[Scene], Iterator[Process]]) -> Callable[[Scene], bool]:
    def strike(scene: Scene) -> bool:
        try:
            victims = list(find(scene))
        except ProcessLookupError:  # its parent has died in the meantime
            return False
        if not victims:
            return False
        scene.random.choice(victims).send(signal.SIGKILL)
        return True

    return strike


def _of_clusters(pick: Callable[[Cluster], list[Process]]) -> Callable[[Scene], bool]:
    return _kill(lambda scene: (process for cluster in scene.service.clusters() for process in pick(cluster)))


def _of_manage(name: str) -> Callable[[Scene], bool]:
    return _kill(lambda scene: (each for each in scene.service.top("serve").children() if each.runs("manage.py", name)))


def _zygote(cluster: Cluster) -> list[Process]:
    return cluster.worker.children()[:1]  # none while its worker has nothing to render after the last one died


def _renderers(cluster: Cluster) -> list[Process]:
    return [child for zygote in _zygote(cluster) for child in zygote.children()]


# --- Each kills one process by SIGKILL --------------------------------------------------------------------------------
KILLS: tuple[Trouble, ...] = (
    Trouble("worker", 8, _of_clusters(lambda cluster: [cluster.worker])),
    Trouble("renderer child", 8, _of_clusters(_renderers)),
    Trouble("zygote", 2, _of_clusters(_zygote)),
    Trouble("cluster", 2, _of_clusters(lambda cluster: [cluster.leader])),
    Trouble("pusher or monitor", 2, _of_clusters(lambda cluster: [cluster.pusher, cluster.monitor])),
    Trouble("maintain", 4, _of_manage("maintain")),
    Trouble("work", 2, _of_manage("work")),
    Trouble("web", 2, _of_manage("web")),
)


# --- What everybody leans on ------------------------------------------------------------------------------------------
def _flush_redis(scene: Scene) -> bool:
    with closing(redis.from_url(scene.service.redis_url)) as client:
        client.flushdb()
        client.set(CLAIM, "taken", ex=3600)  # it stays ours
    return True


def _cut_database(scene: Scene) -> bool:
    scene.service.query(CUT)
    return True


def _refuse_storage(scene: Scene) -> bool:
    scene.s3.kill()
    threading.Event().wait(scene.outage_seconds)
    scene.s3.start()
    return True


def strike(trouble: Trouble, scene: Scene) -> Trouble:
    """Strike, as soon as there is something to strike, and return what it was: another kind if none comes up."""
    deadline, pause = time.monotonic() + _PATIENCE_SECONDS, threading.Event()
    while not trouble.strike(scene):
        if time.monotonic() > deadline:
            # No zygote, say, where nothing is left to render.
            trouble, deadline = scene.random.choice(KILLS), time.monotonic() + _PATIENCE_SECONDS
        pause.wait(0.05)
    return trouble


FLUSH = Trouble("Redis flushed", 1, _flush_redis)
CUT_OFF = Trouble("database connections cut", 1, _cut_database)
REFUSE = Trouble("storage refuses", 1, _refuse_storage)


def plan(random: Random, kills: int) -> list[Trouble]:
    """Return so many kills, each kind at least once if there is room, with flushes and cuts among them."""
    weights = [trouble.weight for trouble in KILLS]
    chosen = [*KILLS, *random.choices(KILLS, weights, k=max(0, kills - len(KILLS)))][:kills]
    chosen += [FLUSH, CUT_OFF] * max(1, kills // 10)
    random.shuffle(chosen)
    return chosen
