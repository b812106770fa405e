"""What django-q runs in a worker."""

from __future__ import annotations

import os
import socket

from jobs_app import executor
from jobs_app.handlers import HANDLERS

# Set by `manage.py work` for each cluster that it starts, so that what a dead one held can be found.
CLUSTER_VARIABLE = "PDFSERVICE_CLUSTER"


def worker_name() -> str:
    """Return the name under which this process claims jobs: its cluster's, then its process id."""
    return f"{os.environ.get(CLUSTER_VARIABLE) or socket.gethostname()}/{os.getpid()}"


def answer_ticket() -> None:
    """Work on what is due."""
    executor.work_off(worker=worker_name())


def prepare() -> None:
    """Warm up a worker that has just started."""
    for handler in HANDLERS.values():
        handler.prepare()
