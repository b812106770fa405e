"""`manage.py work`"""

from __future__ import annotations

import socket
import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from jobs_app import cluster, workforce
from jobs_app.tasks import CLUSTER_VARIABLE
from pdfservice.lib.processes import Keeper, Kept, die_with_parent, manage_command


class Command(BaseCommand):
    """The render workers of this host, each in a django-q cluster of its own, under one supervisor."""

    help = "Run the render workers of this host. SIGTERM gives running jobs back and leaves no process behind."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--workers", type=int, default=settings.WORKERS, help="how many; default WORKERS")
        parser.add_argument("--cluster", action="store_true", help="be one cluster (the supervisor starts these)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Supervise, or be supervised."""
        if options["cluster"]:
            cluster.run()
            return
        die_with_parent()
        kept = [
            Kept(
                name=f"Cluster {number}",
                command=manage_command("work", "--cluster", "--skip-checks"),
                environment=_name_cluster,
                died=_rescue,
            )
            for number in range(1, options["workers"] + 1)
        ]
        Keeper(kept, tick=workforce.Watch(kept).look).run()


def _name_cluster() -> dict[str, str]:
    # A new name for each start: what the former one held must be told from what its successor takes.
    return {CLUSTER_VARIABLE: f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}"}


def _rescue(environment: Mapping[str, str]) -> None:
    workforce.rescue_quietly(environment[CLUSTER_VARIABLE])
