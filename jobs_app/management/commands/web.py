"""`manage.py web`"""

from __future__ import annotations

from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand

from pdfservice.lib.processes import die_with_parent


class Command(BaseCommand):
    """The web process: API, links, admin, on one port."""

    help = "Serve HTTP and WebSocket on HOST and PORT."

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGTERM or SIGINT."""
        die_with_parent()
        uvicorn.run(
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
        )
