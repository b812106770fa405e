"""Webhooks with real processes: senders are killed, the receiver goes away, and no event is lost."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from typing import Any

import pytest

from tests.processes.conftest import NewService
from tests.processes.service import Service, until
from tests.receiver import Receiver, receiving

pytestmark = pytest.mark.slow

JOBS = 40


def _add_webhook(service: Service, receiver: Receiver) -> tuple[str, str]:
    scopes = json.dumps(["jobs:read", "jobs:write", "links:write", "team:admin"])
    service.execute(f"UPDATE teams_apikey SET scopes = '{scopes}'")  # noqa: S608  # ours
    wish = {"url": receiver.url, "events": ["job.done", "job.failed"]}
    answer = service.http.post("/pdf/webhooks", json=wish)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"]), str(answer.json()["secret"])


def _statuses(service: Service) -> Counter[str]:
    return Counter(status for (status,) in service.query("SELECT status FROM jobs_app_webhookdelivery"))


def _let_leases_pass(service: Service) -> None:
    service.execute("UPDATE jobs_app_webhookdelivery SET next_try_at = created_at WHERE status = 'pending'")


def _start_second_maintain(service: Service) -> None:
    service.running["the other maintain"] = service.running.pop("maintain")
    service.start("maintain")


def test_every_event_arrives_though_senders_are_killed_and_the_receiver_goes_away(new_service: NewService) -> None:
    with new_service(WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8") as service:
        service.start("web", "work", "maintain")
        _start_second_maintain(service)
        service.wait_until_ready()
        with receiving(Receiver(is_slow=True)) as receiver:
            _, secret = _add_webhook(service, receiver)
            jobs = service.submit(JOBS)
            service.wait_until_done(jobs)
            assert _statuses(service).total() == JOBS
            until(lambda: len(receiver.messages) >= 2, "messages are being sent")
            for name in ("maintain", "the other maintain"):
                service.stop(name, signal.SIGKILL)
            held = {message.id for message in receiver.messages}
        _let_leases_pass(service)
        service.start("maintain")
        _start_second_maintain(service)
        until(lambda: _refused(service), "the receiver is away, and that is noted")
        receiver.is_slow = False
        with receiving(receiver):
            until(lambda: _statuses(service) == {"delivered": JOBS}, "all are told", seconds=90)
        told = [message.verified(secret) for message in receiver.messages]
        assert {payload["data"]["id"] for payload in told} == {str(job) for job in jobs}
        ids = Counter(message.id for message in receiver.messages)
        assert len(ids) == JOBS, "an event has one id, however often it is sent"
        assert {message_id for message_id, times in ids.items() if times > 1} <= held, (
            "only what was cut off came twice"
        )


def _refused(service: Service) -> Any:
    return service.query("SELECT 1 FROM jobs_app_webhookdelivery WHERE error = 'the connection was refused'")


def test_maintain_ends_in_time_although_a_receiver_does_not_answer(new_service: NewService) -> None:
    with new_service(WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8") as service, receiving(Receiver(is_slow=True)) as receiver:
        service.start("web", "maintain")
        service.wait_until_ready(workers=0)
        webhook_id, _ = _add_webhook(service, receiver)
        assert service.http.post(f"/pdf/webhooks/{webhook_id}/test").status_code == 202
        until(lambda: receiver.messages, "the message is being sent")
        begun = time.monotonic()
        service.stop("maintain", seconds=12)
        assert time.monotonic() - begun < 12
