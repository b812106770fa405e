"""Redis goes away and comes back: jobs are accepted, made, and nothing hangs."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from tests.processes.conftest import BROKER_URL, NewService
from tests.processes.service import Service, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not BROKER_URL or shutil.which("redis-server") is None,
        reason="needs the profile with Redis, and a redis-server to stop and start",
    ),
]


class Broker:
    """A Redis server of our own."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty."""
        arguments = [
            "redis-server",
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        self._process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
        until(self._answers, "Redis answers")

    def stop(self) -> None:
        """End it, and with it all tickets."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def tickets(self) -> int:
        """Return how many tickets are waiting."""
        with closing(redis.from_url(self.url)) as client:
            return int(client.llen("django_q:pdfservice:q"))

    def _answers(self) -> bool:
        try:
            with closing(redis.from_url(self.url)) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


@pytest.fixture
def broker() -> Iterator[Broker]:
    """A broker that is not running yet."""
    made = Broker()
    yield made
    made.stop()


@pytest.fixture
def service(new_service: NewService, broker: Broker) -> Iterator[Service]:
    """A service that rings at that broker, with nothing running yet."""
    with new_service(redis_url=broker.url) as made:
        yield made


def test_jobs_are_made_while_the_broker_is_away_and_after_it_is_back(service: Service, broker: Broker) -> None:
    broker.start()
    service.start("web", "work", "maintain")
    service.wait_until_ready()
    leaders = {cluster.leader for cluster in service.clusters()}
    broker.stop()
    meanwhile = service.submit(30)
    service.wait_until_done(meanwhile)
    broker.start()
    afterwards = service.submit(30)
    service.wait_until_done(afterwards)
    until(lambda: broker.tickets() == 0, "the tickets are taken")
    for jobs in (meanwhile, afterwards):
        service.assert_done_once(jobs)
    assert {cluster.leader for cluster in service.clusters()} == leaders


def test_the_service_starts_and_stops_while_the_broker_is_away(service: Service, broker: Broker) -> None:
    service.start("web", "work", "maintain")
    service.wait_until_ready()
    assert service.http.get("/readyz").json()["broker"] == "away"
    jobs = service.submit(5)
    service.wait_until_done(jobs)
    service.assert_done_once(jobs)
    for name in ("maintain", "work", "web"):
        service.stop(name, seconds=10)
