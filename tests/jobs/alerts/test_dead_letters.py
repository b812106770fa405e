"""Alerts about dead letters: raised once an hour, and sent until they were taken."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from jobs_app import maintenance, transitions
from jobs_app.alerts import dead_letters, delivery
from jobs_app.models import Alert, Job
from pdfservice.teams.models import AuditEvent
from tests.jobs.alerts.conftest import Mailbox, Webhook, use_mail_server
from tests.jobs.conftest import Submit
from tests.jobs.test_transitions import FINAL

pytestmark = pytest.mark.django_db(transaction=True)

Bury = Callable[[int], None]


@pytest.fixture(autouse=True)
def _few_are_many(settings: LazySettings) -> None:
    settings.ALERT_DEAD_LETTERS_PER_HOUR = 2


@pytest.fixture(autouse=True)
def _no_sender_outlives_its_test() -> Iterator[None]:
    yield
    delivery.finish()


@pytest.fixture
def bury(submit: Submit, claim: Callable[[], Job]) -> Bury:
    """Make so many dead letters."""

    def _bury(count: int) -> None:
        for _ in range(count):
            submit(payload={"name": "Ada Lovelace"})
            assert transitions.fail(claim(), FINAL)

    return _bury


def pass_and_send() -> None:
    """Do what maintain does in one pass, and wait for what it sends."""
    maintenance.run_once()
    delivery.finish()


def an_hour_later() -> None:
    Alert.objects.update(raised_at=timezone.now() - timedelta(minutes=61))


def the_next_try_is_due() -> None:
    Alert.objects.update(next_try_at=timezone.now() - timedelta(seconds=1))


def test_too_many_dead_letters_are_told_by_mail_and_webhook(bury: Bury, mailbox: Mailbox, webhook: Webhook) -> None:
    bury(3)
    pass_and_send()
    (mail,) = mailbox.received
    assert mailbox.recipients == [["ops@example.org", "boss@example.org"]]
    assert mail["Subject"] == "3 PDF jobs failed for good within an hour"
    text = mail.get_content()
    assert "template_error (3)" in text
    assert "acme/letter (3)" in text
    assert "http://testserver/admin/jobs_app/job/?status__exact=failed" in text
    ((path, body),) = webhook.posted
    assert path == "/services/secret"
    assert set(body) == {"text"}
    assert "template_error (3)" in body["text"]
    for told in (text, body["text"]):
        assert "Ada" not in told
        assert "no such filter" not in told, "a message may quote the payload"


def test_a_single_pass_waits_for_what_it_sends(bury: Bury, mailbox: Mailbox) -> None:
    bury(3)
    call_command("maintain", "--once")
    assert len(mailbox.received) == 1


def test_as_many_as_allowed_are_no_alert(bury: Bury, mailbox: Mailbox) -> None:
    bury(2)
    pass_and_send()
    assert mailbox.received == []


def test_what_failed_longer_ago_is_no_alert(bury: Bury, mailbox: Mailbox) -> None:
    bury(3)
    Job.objects.update(finished_at=timezone.now() - timedelta(minutes=61))
    pass_and_send()
    assert mailbox.received == []


def test_it_is_not_told_again_within_the_hour_but_after_it(bury: Bury, mailbox: Mailbox, webhook: Webhook) -> None:
    bury(3)
    for _ in range(3):
        pass_and_send()
        the_next_try_is_due()
    assert (len(mailbox.received), len(webhook.posted)) == (1, 1)
    an_hour_later()
    pass_and_send()
    assert (len(mailbox.received), len(webhook.posted)) == (2, 2)


def test_of_many_loops_one_tells_it(bury: Bury, mailbox: Mailbox) -> None:
    bury(3)

    def loop(_: int) -> int:
        try:
            return dead_letters.raise_if_many() and delivery.send_owed()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as loops:
        list(loops.map(loop, range(8)))
    assert len(mailbox.received) == 1


def test_two_loops_that_both_saw_it_due_raise_it_once(bury: Bury) -> None:
    bury(3)
    now = timezone.now()
    assert dead_letters._raise(["log"], now) == 1
    assert dead_letters._raise(["log"], now) == 0
    assert AuditEvent.objects.filter(action="alert.dead_letters", team=None).count() == 1


def test_two_loops_that_both_saw_it_owed_send_it_once(bury: Bury, mailbox: Mailbox) -> None:
    bury(3)
    dead_letters.raise_if_many()
    alert = Alert.objects.get(channel="email")
    assert delivery._send(alert)
    assert not delivery._send(alert)
    assert len(mailbox.received) == 1


def test_a_mail_server_that_refuses_is_asked_again(
    bury: Bury, mailbox: Mailbox, webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    bury(3)
    mailbox.refuses = True
    pass_and_send()
    assert "could not be sent by email" in caplog.text
    assert Alert.objects.get(channel="email").sent_at is None
    mailbox.refuses = False
    pass_and_send()
    assert mailbox.received == [], "not at once"
    the_next_try_is_due()
    pass_and_send()
    assert len(mailbox.received) == 1
    assert len(webhook.posted) == 1, "the other channel had it already"


def test_a_mail_server_that_is_away_does_not_stop_maintenance(
    bury: Bury, mailbox: Mailbox, settings: LazySettings
) -> None:
    use_mail_server(settings, "smtp://127.0.0.1:1")
    bury(3)
    assert maintenance.run_once()["told"] == 2
    delivery.finish()
    assert Alert.objects.get(channel="email").sent_at is None
    assert Alert.objects.get(channel="log").sent_at is not None


@pytest.mark.parametrize("status", [302, 307, 400, 500])
def test_a_webhook_that_refuses_or_redirects_has_not_taken_it(bury: Bury, webhook: Webhook, status: int) -> None:
    webhook.status = status
    bury(3)
    pass_and_send()
    assert [path for path, _ in webhook.posted] == ["/services/secret"]
    assert Alert.objects.get(channel="webhook").sent_at is None
    webhook.status = 200
    the_next_try_is_due()
    pass_and_send()
    assert Alert.objects.get(channel="webhook").sent_at is not None


def test_the_webhooks_address_stays_out_of_the_log(
    bury: Bury, webhook: Webhook, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ALERT_WEBHOOK_URL = "http://127.0.0.1:1/services/secret"
    bury(3)
    pass_and_send()
    assert "could not be sent by webhook" in caplog.text
    assert "secret" not in caplog.text


def test_without_channels_it_is_in_the_log(bury: Bury, caplog: pytest.LogCaptureFixture) -> None:
    bury(3)
    with caplog.at_level(logging.ERROR):
        pass_and_send()
        pass_and_send()
    told = [record.message for record in caplog.records if "failed for good within an hour" in record.message]
    assert len(told) == 1


def test_a_channel_that_was_closed_meanwhile_is_left_alone(
    bury: Bury, webhook: Webhook, settings: LazySettings
) -> None:
    bury(3)
    dead_letters.raise_if_many()
    settings.ALERT_WEBHOOK_URL = ""
    pass_and_send()
    assert webhook.posted == []
    assert maintenance.run_once()["told"] == 0


def test_the_test_alert_goes_to_every_channel(
    mailbox: Mailbox, webhook: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("send_test_alert")
    assert (len(mailbox.received), len(webhook.posted)) == (1, 1)
    assert capsys.readouterr().out == "email: sent\nwebhook: sent\n"


def test_the_test_alert_says_which_channel_failed(mailbox: Mailbox, webhook: Webhook) -> None:
    webhook.status = 404
    with pytest.raises(CommandError, match="webhook: the webhook answered 404"):
        call_command("send_test_alert")
    assert len(mailbox.received) == 1


def test_the_test_alert_needs_a_channel() -> None:
    with pytest.raises(CommandError, match="Neither ALERT_EMAILS nor ALERT_WEBHOOK_URL"):
        call_command("send_test_alert")
