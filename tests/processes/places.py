"""Databases and brokers that belong to one service alone, and a filled database to copy from."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis

from tests.processes.service import Service

CLAIM = "pdfservice-tests-claim"


@dataclass(frozen=True)
class Place:
    """Where services may live: a PostgreSQL server and a Redis server, or neither, and a directory."""

    server_url: str
    broker_url: str
    directory: Path

    @contextmanager
    def seed(self) -> Iterator[Service]:
        """Yield a service on a database with a team, a key and templates, for copies; no process runs on it."""
        directory = self.directory / "seed"
        directory.mkdir()
        with self._database("") as url:
            service = Service(directory, url, "", key="")
            try:
                script = str(Path(__file__).with_name("seed.py"))
                arguments, environment = [sys.executable, script], service.environment()
                made = subprocess.run(arguments, env=environment, check=True, capture_output=True, text=True)
                service.key = made.stdout.strip()
                yield service
            finally:
                service.close()

    @contextmanager
    def service(self, seed: Service, *, redis_url: str = "", **variables: str) -> Iterator[Service]:
        """Yield a service on a copy of `seed`, with nothing running yet, and end it."""
        directory = self.directory / f"service-{secrets.token_hex(4)}"
        directory.mkdir()
        shutil.copytree(seed.directory / "files", directory / "files")
        with ExitStack() as stack:
            database_url = stack.enter_context(self._database(urlsplit(seed.database_url).path[1:]))
            if not database_url:
                shutil.copy(seed.directory / "pdfservice.sqlite3", directory)
            url = redis_url or stack.enter_context(self._broker())
            service = Service(directory, database_url, url, key=seed.key, variables=variables)
            stack.callback(service.close)
            yield service

    @contextmanager
    def _database(self, template: str) -> Iterator[str]:
        if not self.server_url:
            yield ""
            return
        name = f"pdfservice_processes_{secrets.token_hex(4)}"
        self._ask_server(f"CREATE DATABASE {name} TEMPLATE {template or 'template1'}")
        try:
            yield _on(self.server_url, name)
        finally:
            self._ask_server(f"DROP DATABASE {name} WITH (FORCE)")

    def _ask_server(self, sql: str) -> None:
        with psycopg.connect(_on(self.server_url, "postgres"), autocommit=True) as connection:
            connection.execute(sql.encode())

    @contextmanager
    def _broker(self) -> Iterator[str]:
        """Yield the address of a Redis database that was empty, and leave it empty.

        Two services must not share one: each would take the other's tickets.
        """
        if not self.broker_url:
            yield ""
            return
        for number in range(14, 0, -1):
            url = _on(self.broker_url, str(number))
            with closing(redis.from_url(url)) as client:
                if client.dbsize() == 0 and client.set(CLAIM, "taken", nx=True, ex=3600):
                    try:
                        yield url
                    finally:
                        client.flushdb()
                    return
        raise RuntimeError("No Redis database from 1 to 14 is empty.")


def _on(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))
