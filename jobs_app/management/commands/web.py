"""`manage.py web`"""

from __future__ import annotations

import sys
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand

from jobs_app.held_answers import release_all
from pdfservice.lib.processes import die_with_parent


class Command(BaseCommand):
    """The web process: API, links, admin, on one port."""

    help = "Serve HTTP and WebSocket on HOST and PORT."

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGTERM or SIGINT."""
        die_with_parent()
        config = uvicorn.Config(
            "pdfservice.asgi:application",
            host=settings.HOST,
            port=settings.PORT,
            log_config=None,  # Django's logging is set up already
            access_log=False,  # it would print link tokens; RequestLogMiddleware does not
            proxy_headers=False,  # TRUSTED_PROXIES counts them; twice would believe the caller
            server_header=False,
            lifespan="off",
            # Longer than proxies and HTTP clients keep an idle connection: the side that sends next has to be the one
            # that closes, or its request meets a reset.
            timeout_keep_alive=75,
            timeout_graceful_shutdown=10,
            ws_max_size=4096,  # dashboards say nothing
            ws_max_queue=4,
        )
        server = _Server(config)
        with suppress(KeyboardInterrupt):
            server.run()
        if not server.started:
            sys.exit(3)  # as uvicorn's own command does


class _Server(uvicorn.Server):
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, without waiting for those who wait for a job."""
        release_all()
        super().handle_exit(sig, frame)
