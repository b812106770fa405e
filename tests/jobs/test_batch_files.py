"""POST /pdf/batches as a form: a mail merge from CSV or JSON Lines"""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile

from downloads_app.models import StoredFile
from jobs_app.models import Batch, Job
from jobs_app.states import BatchStatus, Kind, SourceFormat
from templates_app.models import TemplateVersion
from tests.conftest import Member
from tests.jobs.conftest import expand
from tests.jobs.test_generate import faults

pytestmark = pytest.mark.django_db(transaction=True)


def upload(asker: Member, content: str | bytes, name: str = "people.csv", **fields: Any) -> Any:
    """Send a file as a browser or curl would."""
    data = content.encode() if isinstance(content, str) else content
    body = {"template": "letter", "file": SimpleUploadedFile(name, data), **fields}
    return asker.api.post("/pdf/batches", body, format="multipart")


def expanded(asker: Member, content: str | bytes, name: str = "people.csv", **fields: Any) -> Batch:
    """Send a file and expand it."""
    response = upload(asker, content, name, **fields)
    assert response.status_code == 202, response.json()
    expand()
    return Batch.objects.get()


def payloads(batch: Batch) -> list[Any]:
    """Return the payloads of the jobs in their order, None for an item that failed."""
    rows = batch.items.select_related("job")
    return [json.loads(row.job.payload or "null") if row.job else None for row in rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_rows_become_payloads_of_strings(alice: Member, letter: TemplateVersion, delimiter: str) -> None:
    lines = [["name", "customer.city", "customer.zip", "_reference"], ["Ada", "Köln", "01067", "cust-1"]]
    batch = expanded(alice, "\r\n".join(delimiter.join(cells) for cells in lines), output="zip", priority="7")
    assert payloads(batch) == [{"name": "Ada", "customer": {"city": "Köln", "zip": "01067"}}]
    row = batch.items.get()
    assert (row.reference, row.line) == ("cust-1", 2)
    assert (batch.total, batch.output_mode, batch.priority, batch.source_format) == (1, "zip", 7, SourceFormat.CSV)


def test_quoted_values_hold_delimiters_quotes_and_new_lines(alice: Member, letter: TemplateVersion) -> None:
    batch = expanded(alice, 'name,"a;b;c;d"\n"Ada\nand ""Bea""","1,5"\n\n , \nCleo,2\n')
    assert payloads(batch) == [{"name": 'Ada\nand "Bea"', "a;b;c;d": "1,5"}, {"name": "Cleo", "a;b;c;d": "2"}]
    assert [row.line for row in batch.items.all()] == [2, 6]


def test_a_byte_order_mark_and_a_named_delimiter(alice: Member, letter: TemplateVersion) -> None:
    batch = expanded(alice, b"\xef\xbb\xbfname,x;y\nAda,1;2", delimiter=";", options='{"filename": "a"}')
    assert payloads(batch) == [{"name,x": "Ada,1", "y": "2"}]
    assert Job.objects.get(kind=Kind.RENDER).options == {"filename": "a.pdf"}


def test_a_row_that_does_not_fit_fails_alone_by_its_line(alice: Member, letter: TemplateVersion) -> None:
    batch = expanded(alice, f'name,_reference\n"A\nb"\nBea,b\nCleo,{"x" * 201}\n')
    assert payloads(batch) == [None, {"name": "Bea"}, None]
    shown = alice.api.get(f"/pdf/batches/{batch.external_id}").json()["errors"]
    assert [(row["line"], row["error"]["code"]) for row in shown] == [(2, "payload_error"), (5, "payload_error")]
    assert "1 values" in shown[0]["error"]["message"]
    assert shown[1]["error"]["errors"][0]["pointer"] == "/reference"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no header"),
        (b"\n\n", "no header"),
        (b"name\n", "no items"),
        (b"name\n\xff\n", "not UTF-8"),
        (b"name\n\0\n", "NUL"),
        (b"name,name\na,b\n", "twice"),
        (b"a,a.b\n1,2\n", "at once"),
        (b"a.b,a\n1,2\n", "at once"),
        (b"a,,b\n1,2,3\n", "no proper name"),
        (b"a..b\n1\n", "no proper name"),
        (b'a\n"b', "not CSV"),
        (b'a\n"b"c\n', "not CSV"),
        (b"a\n" + b"x" * 200_000, "not CSV"),
        (b"a" + b".a" * 20 + b"\n1\n", "nested"),
        (b",".join(b"c%d" % n for n in range(1001)) + b"\n1\n", "1001 columns"),
        (b"name\n" + b"x\n" * 10_001, "at most 10000"),
    ],
)
def test_a_file_that_is_no_such_table_fails_the_batch_with_one_error(
    alice: Member, letter: TemplateVersion, content: bytes, says: str
) -> None:
    response = upload(alice, content or b"\n")
    assert response.status_code == 202, response.json()
    expand()
    batch = Batch.objects.get()
    assert batch.status == BatchStatus.FAILED
    assert says in batch.error_message
    assert not batch.items.exists()
    assert not Job.objects.filter(kind=Kind.RENDER).exists()


def test_json_lines_hold_items_or_bare_payloads(alice: Member, letter: TemplateVersion) -> None:
    lines = [
        '{"payload": {"name": "Ada"}, "reference": "r1", "options": {"filename": "one"}}',
        "",
        '{"name": "Bea"}',
        '{"name": "Cleo"',
        "[1]",
        '{"name": NaN}',
        '{"payload": {"name": "Dora"}, "refrence": "r5"}',
        '{"name": "\\ud800"}',
    ]
    batch = expanded(alice, "\n".join(lines), "people.jsonl")
    assert payloads(batch) == [{"name": "Ada"}, {"name": "Bea"}, None, None, None, None, None]
    found = [(row.line, row.errors[0]["pointer"] if row.errors else None) for row in batch.items.all()]
    assert found == [(1, None), (3, None), (4, ""), (5, ""), (6, ""), (7, "/refrence"), (8, "")]
    assert batch.items.get(line=4).error_message.startswith("The line is not JSON")


@pytest.mark.parametrize(
    ("name", "content", "fields", "expected"),
    [
        ("data", '{"name": "a"}', {}, SourceFormat.JSON_LINES),
        ("data", "name\na", {}, SourceFormat.CSV),
        ("data.csv", "{a}\n1", {}, SourceFormat.CSV),
        ("data.ndjson", '\n{"name": "a"}', {}, SourceFormat.JSON_LINES),
        ("data.csv", '{"name": "a"}', {"format": "jsonl"}, SourceFormat.JSON_LINES),
    ],
)
def test_the_format_is_told_by_name_content_or_word(
    alice: Member, letter: TemplateVersion, name: str, content: str, fields: dict[str, str], expected: str
) -> None:
    assert expanded(alice, content, name, **fields).source_format == expected
    assert Job.objects.filter(kind=Kind.RENDER).count() == 1


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"delimiter": "x"}, "/delimiter"),
        ({"options": "{"}, "/options"),
        ({"options": "[]"}, "/options"),
        ({"options": '{"colour": 1}'}, "/options/colour"),
        ({"format": "xlsx"}, "/format"),
        ({"colour": "red"}, "/colour"),
        ({"priority": "high"}, "/priority"),
        ({"file": "text"}, "/file"),
    ],
)
def test_a_malformed_form_is_refused_with_the_place(
    alice: Member, letter: TemplateVersion, fields: dict[str, str], pointer: str
) -> None:
    response = upload(alice, "name\nAda", **fields)
    assert response.status_code == 400
    assert pointer in faults(response)
    assert not StoredFile.objects.exists()


def test_a_file_over_the_limit_is_refused_before_it_is_read(
    alice: Member, letter: TemplateVersion, settings: LazySettings
) -> None:
    settings.MAX_BATCH_BYTES = 1024
    assert upload(alice, b"x" * 100_000).status_code == 413
    assert upload(alice, b"name\n" + b"x" * 1020).status_code == 400


def test_hostile_forms_are_refused_as_problems(alice: Member, letter: TemplateVersion) -> None:
    many = {f"f{number}": "x" for number in range(2000)}
    assert faults(upload(alice, "name\nAda", **many)) == {}
    assert upload(alice, "name\nAda", **many).status_code == 400
    broken = alice.api.post("/pdf/batches", b"--x\r\nno", content_type="multipart/form-data; boundary=y")
    assert broken.status_code == 400
    without = alice.api.post("/pdf/batches", b"", content_type="multipart/form-data")
    assert without.status_code == 400


def test_the_same_idempotency_key_knows_the_file(alice: Member, letter: TemplateVersion) -> None:
    def _send(content: str) -> Any:
        body = {"template": "letter", "file": SimpleUploadedFile("a.csv", content.encode())}
        return alice.api.post("/pdf/batches", body, format="multipart", headers={"Idempotency-Key": "k"})

    assert _send("name\nAda").json()["id"] == _send("name\nAda").json()["id"]
    assert _send("name\nBea").status_code == 422
