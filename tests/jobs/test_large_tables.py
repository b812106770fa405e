"""Five thousand rows in a megabyte: printed by one engine, on the other soon given up with words about what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pypdfium2
import pytest
from django.conf import LazySettings

from jobs_app import executor, transitions
from jobs_app.models import Job
from jobs_app.states import BatchStatus, Status
from templates_app import rendering
from templates_app.renderer.child import Child
from templates_app.renderer.contracts import Engine
from tests.conftest import Member
from tests.jobs.conftest import WORKER, publish
from tests.jobs.test_batch_bundle import bytes_of, file_of, finished_batch, text_of
from tests.jobs.test_generate import URL

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
TABLE = """<style>@page { size: 210mm 297mm } thead { display: table-header-group }</style>
<table><thead><tr><th>SKU<th>Text<th>Price</thead><tbody>
{% for row in rows %}<tr><td>{{ row.sku }}<td>{{ row.text }}<td>{{ row.price }}</tr>{% endfor %}</tbody></table>"""
ROWS = [{"sku": f"SKU-{number:06d}", "text": "words " * 27, "price": number * 1.25} for number in range(5_000)]


@pytest.fixture
def one_second(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A renderer that gives each document a second."""
    settings.RENDER_TIMEOUT = 1
    monkeypatch.setattr(rendering, "_sandbox", None)
    yield
    rendering.sandbox().close()


def printed(member: Member, engine: Engine) -> Job:
    """Ask for the table and let a worker try it once."""
    publish(member, "table", TABLE, engine=engine)
    body = {"template": "table", "payload": {"rows": ROWS}}
    size = len(json.dumps(body["payload"], separators=(",", ":")))
    assert 1_000_000 < size < 1 << 20
    assert member.api.post(URL, body, format="json").status_code == 202
    executor.prepare()
    job = transitions.claim(worker=WORKER)
    assert job is not None
    executor.perform(job)
    return Job.objects.get(pk=job.pk)


def test_the_fast_engine_prints_them_within_the_limits(alice: Member) -> None:
    job = printed(alice, Engine.PLUTOBOOK)
    assert (job.status, job.error_message) == (Status.DONE, "")
    assert job.page_count is not None
    assert job.page_count > 100


@pytest.mark.parametrize(("cpu_seconds", "attempts"), [(0.95, 1), (0.6, 2)], ids=["its own fault", "busy machine"])
def test_the_other_engine_says_what_to_do_and_tries_once_more_what_waited_for_a_processor(
    alice: Member, one_second: None, monkeypatch: pytest.MonkeyPatch, cpu_seconds: float, attempts: int
) -> None:
    monkeypatch.setattr(Child, "cpu_seconds", lambda _: cpu_seconds)
    job = printed(alice, Engine.WEASYPRINT)
    Job.objects.filter(status=Status.QUEUED).update(run_at=None)
    executor.work_off(worker=WORKER)
    job.refresh_from_db()
    assert (job.status, job.attempt_count, job.error_code) == (Status.FAILED, attempts, "render_timeout")
    for advice in ("plutobook", "merged", "RENDER_TIMEOUT"):
        assert advice in job.error_message


def test_its_parts_become_one_document_of_the_other_engine(alice: Member) -> None:
    publish(alice, "table", TABLE, engine=Engine.WEASYPRINT)
    rows, part = ROWS[:150], 50
    items = [
        {"payload": {"rows": rows[begin : begin + part]}, "reference": f"From {begin + 1}"}
        for begin in range(0, len(rows), part)
    ]
    executor.prepare()
    batch = finished_batch(alice, items, template="table", output="merged")
    assert (batch.status, batch.error_code) == (BatchStatus.DONE, "")
    data = bytes_of(file_of(alice, batch))
    texts = text_of(data)
    assert re.findall(r"SKU-\d{6}", "".join(texts)) == [row["sku"] for row in rows]
    assert all(text.startswith("SKU") and "Price" in text for text in texts), "each page has the table's head"
    with pypdfium2.PdfDocument(data) as pdf:
        marks = [(mark.get_title(), mark.get_dest().get_index()) for mark in pdf.get_toc()]
    begins = [next(n for n, text in enumerate(texts) if str(rows[begin]["sku"]) in text) for begin in (0, 50, 100)]
    assert len(set(begins)) == len(begins) < len(texts)
    assert marks == list(zip(("From 1", "From 51", "From 101"), begins, strict=True))
