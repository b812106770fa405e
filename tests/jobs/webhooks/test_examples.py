"""The receivers that the documentation shows work as they stand there."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings

from jobs_app.models import WebhookEndpoint
from jobs_app.webhooks.dispatcher import deliver_due
from jobs_app.webhooks.sending import signed_headers
from jobs_app.webhooks.services import replay, webhook_test
from tests.conftest import Member
from tests.jobs.webhooks.conftest import Hook
from tests.processes.service import until

pytestmark = pytest.mark.django_db

PAGE = (Path(settings.BASE_DIR) / "docs" / "webhooks.md").read_text()
NODE = shutil.which("node")


def example(language: str, secret: str) -> str:
    match = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert match is not None
    assert "whsec_…" in match[1]
    return match[1].replace("whsec_…", secret)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def python_port(hook: Hook) -> Iterator[int]:
    """Run the example in Python."""
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example("python", hook.secret), "example", "exec"), names)  # noqa: S102  # our own documentation
    names["Handler"].log_message = lambda *_: None
    server = HTTPServer(("127.0.0.1", 0), names["Handler"])
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def javascript_port(hook: Hook, tmp_path: Path) -> Iterator[int]:
    """Run the example in JavaScript."""
    if NODE is None:
        pytest.skip("node is missing")
    port, path = free_port(), tmp_path / "example.mjs"
    path.write_text(example("js", hook.secret).replace("8080", str(port)))
    with subprocess.Popen([NODE, str(path)], stdout=subprocess.DEVNULL) as process:
        try:
            until(lambda: answers(port), "node listens")
            yield port
        finally:
            process.kill()


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_the_example_takes_what_is_genuine_and_nothing_else(
    hook: Hook, alice: Member, language: str, request: pytest.FixtureRequest
) -> None:
    port = request.getfixturevalue(f"{language}_port")
    url = f"http://127.0.0.1:{port}/hook"
    WebhookEndpoint.objects.update(url=url)
    delivery = webhook_test(caller=alice.caller, webhook_id=hook.endpoint.external_id)
    deliver_due()
    assert (hook.deliveries[0].status, hook.deliveries[0].response_status) == ("delivered", 204)
    assert replay(hook.deliveries[0], actor="test")
    deliver_due()
    assert hook.deliveries[0].status == "delivered"
    headers = signed_headers(delivery)
    body = delivery.body.encode()
    assert httpx.post(url, content=body, headers=headers).status_code == 204
    late = {**headers, "webhook-timestamp": "1700000000"}
    for forged_body, forged_headers in [(body + b" ", headers), (body, late), (body, {"webhook-id": "x"})]:
        assert httpx.post(url, content=forged_body, headers=forged_headers).status_code == 400
