"""Running services for the tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

import pytest

from tests.processes.places import Place
from tests.processes.service import Service

SERVER_URL = os.environ.get("DATABASE_URL", "")
BROKER_URL = os.environ.get("REDIS_URL", "")

NewService = Callable[..., AbstractContextManager[Service]]


@pytest.fixture(scope="session")
def new_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewService]:
    """Return a context manager that makes a service on a fresh database, with nothing running yet, and ends it."""
    place = Place(SERVER_URL, BROKER_URL, tmp_path_factory.mktemp("processes"))
    with place.seed() as seed:
        yield partial(place.service, seed)


@pytest.fixture
def service(new_service: NewService) -> Iterator[Service]:
    """A service of this test's own, with nothing running yet."""
    with new_service() as made:
        yield made


@pytest.fixture(scope="session")
def running(new_service: NewService) -> Iterator[Service]:
    """A service that tests share and leave whole: web, two workers and maintenance, warm."""
    with new_service() as made:
        made.start("web", "work", "maintain")
        made.wait_until_ready()
        yield made
