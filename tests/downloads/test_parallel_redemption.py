"""Many at once, with real threads, each with its own connection to the real database."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from downloads_app.models import DownloadLink, LinkRedemption
from downloads_app.services import link_redeem
from pdfservice.lib.addresses import parse_address
from pdfservice.lib.errors import ServiceError
from tests.conftest import Member
from tests.downloads.conftest import PDF, Handed, events, hand_out, store

PARALLEL = 200
# PostgreSQL lets 100 connections in, and others may be there.
CONNECTIONS = threading.BoundedSemaphore(60)


def _redeem_all_at_once(handed: Handed) -> list[str]:
    start = threading.Barrier(PARALLEL)

    def redeem(number: int) -> str:
        start.wait()
        with CONNECTIONS:
            try:
                content = link_redeem(token=handed.token, address=parse_address("192.0.2.1"), agent=str(number)).content
                return "file" if b"".join(content) == PDF else "something else"
            except ServiceError as refusal:
                return refusal.code
            finally:
                connection.close()

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(redeem, range(PARALLEL)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("uses", [1, 7])
def test_of_two_hundred_redemptions_at_once_exactly_as_many_get_the_file_as_there_are_uses(
    alice: Member, uses: int
) -> None:
    handed = hand_out(store(alice.team), alice.caller, max_uses=uses)
    outcomes = _redeem_all_at_once(handed)
    assert sorted(outcomes) == ["file"] * uses + ["link_spent"] * (PARALLEL - uses)
    assert DownloadLink.objects.get().use_count == uses
    assert LinkRedemption.objects.filter(complete=True).count() == LinkRedemption.objects.count() == uses
    assert len(events(handed.link, "link.redeemed")) == uses
    assert len(events(handed.link, "link.refused")) == 1
