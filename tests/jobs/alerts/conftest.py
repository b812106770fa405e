"""A mail server and a web server that take alerts, both real and on this host."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import LazySettings

from pdfservice.lib.email_url import email_settings


class Mailbox:
    """What the mail server took; while `refuses` it takes nothing."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.refuses = False

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a mail."""
        if self.refuses:
            return "451 Try again later"
        assert isinstance(envelope.content, bytes)
        self.received.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients.append(envelope.rcpt_tos)
        return "250 OK"


class _AnyPort(Controller):
    """A server on whichever port was free; the controller alone would knock at port 0 to see whether it runs."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd leaves it bare


@dataclass
class Webhook:
    """What was posted; answers with `status`, and sends elsewhere when that is a redirect."""

    url: str = ""
    status: int = 200
    posted: list[tuple[str, Any]] = field(default_factory=list)


@pytest.fixture
def mailbox(settings: LazySettings) -> Iterator[Mailbox]:
    """A mail server that the settings point at."""
    box = Mailbox()
    server = _AnyPort(box, hostname="127.0.0.1", port=0)
    server.start()
    use_mail_server(settings, f"smtp://127.0.0.1:{server.port}")
    settings.ALERT_EMAILS = ["ops@example.org", "boss@example.org"]
    yield box
    server.stop()


def use_mail_server(settings: LazySettings, url: str) -> None:
    """Set what EMAIL_URL sets at the start; the test runner has put another backend there."""
    for name, value in {"EMAIL_URL": url, **email_settings(url)}.items():
        setattr(settings, name, value)


@pytest.fixture
def webhook(settings: LazySettings) -> Iterator[Webhook]:
    """A web server that the settings point at."""
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.posted.append((self.path, json.loads(body)))
            self.send_response(hook.status)
            if 300 <= hook.status < 400:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            hook.posted.append((self.path, None))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    hook.url = settings.ALERT_WEBHOOK_URL = f"http://127.0.0.1:{server.server_port}/services/secret"
    yield hook
    server.shutdown()
    server.server_close()
    thread.join()
