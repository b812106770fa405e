"""The whole web side as one ASGI application: HTTP bridged to WSGI threads, WebSocket to Channels."""

from __future__ import annotations

import os
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pdfservice.settings")

from pdfservice.wsgi import application as http_application  # isort: skip  # Django must be set up first
from jobs_app.held_answers import HeldAnswers
from jobs_app.live.consumer import DashboardConsumer

# Django's own ASGI handler spends a thread hop and a context switch per middleware on synchronous views: half the
# requests a second of this bridge.
_http = HeldAnswers(cast("Any", WSGIMiddleware(cast("Any", http_application), workers=settings.WEB_THREADS)))
_socket = DashboardConsumer.as_asgi()

get_resolver().url_patterns  # noqa: B018  # loads every view now, not while the first caller waits


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Hand HTTP to Django; refuse what nobody serves."""
    if scope["type"] == "http":
        await _http(scope, receive, send)
    elif scope["type"] == "websocket" and scope["path"] == "/ws/dashboard/":
        await _socket(scope, receive, send)
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4404})
