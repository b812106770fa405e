"""What django-q runs in a worker."""

from __future__ import annotations

import logging
import os
import socket

from django.db import InterfaceError, OperationalError, close_old_connections

from jobs_app import executor, warming

logger = logging.getLogger(__name__)

# Set by `manage.py work` for each cluster that it starts, so that what a dead one held can be found.
CLUSTER_VARIABLE = "PDFSERVICE_CLUSTER"


def worker_name() -> str:
    """Return the name under which this process claims jobs: its cluster's, then its process id."""
    return f"{os.environ.get(CLUSTER_VARIABLE) or socket.gethostname()}/{os.getpid()}"


def answer_ticket() -> None:
    """Work on what is due, unless the database is away: the next ticket finds it then."""
    try:
        executor.work_off(worker=worker_name())
    except (OperationalError, InterfaceError) as error:
        logger.error("The database is away, what was claimed waits for its lease to run out: %s", error)
        close_old_connections()


def prepare() -> bool:
    """Make a worker ready that has just started; False when it cannot make anything yet."""
    if not executor.prepare():
        return False
    try:
        warming.warm_up()
    except (OperationalError, InterfaceError) as error:
        logger.warning("The database is away, the first documents will be slower: %s", error)
        close_old_connections()
    return True
