"""`manage.py maintain`"""

from __future__ import annotations

import itertools
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jobs_app import chores, maintenance
from jobs_app.alerts import delivery
from jobs_app.webhooks.dispatcher import Dispatcher, deliver_due
from pdfservice.lib.processes import die_with_parent

_EVERY_SECONDS = 1.0


class Command(BaseCommand):
    """The maintenance loop; any number may run, on any host."""

    help = "Rescue, retry, ring, count each second; expire, sweep, alert; beside that send webhooks, erase and archive."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--once", action="store_true", help="make one pass, say what it did, and end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Loop until SIGTERM or SIGINT."""
        die_with_parent()
        if options["once"]:
            done = {**maintenance.run_once(), **chores.run_once()}
            done["webhooks tried"] = deliver_due()
            delivery.finish()
            self.stdout.write(", ".join(f"{name} {count}" for name, count in done.items()))
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        rounds = chores.Rounds()
        rounds.start()
        dispatcher = Dispatcher()
        dispatcher.start()
        passes = itertools.count()
        while not stop.wait(_EVERY_SECONDS):
            maintenance.run_pass(next(passes))
        dispatcher.stop()
        rounds.stop()
