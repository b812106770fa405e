"""The documents of a batch as a zip file, with a list of what became of each item."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from typing import IO

from jobs_app.batches.documents import Document, Names
from jobs_app.models import Batch
from pdfservice.lib import storage

MANIFEST = "manifest.csv"
_COLUMNS = ["position", "line", "reference", "status", "filename", "job_id", "error_code", "error_message"]
# Spreadsheets run a cell that begins so as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def zip_documents(batch: Batch, found: Sequence[Document], into: IO[bytes], *, check: Callable[[], None]) -> None:
    """Write the zip of all documents in the items' order; `check` is called before each and may raise.

    The same documents give the same bytes.
    """
    names, rows = Names(), []
    with zipfile.ZipFile(into, "w") as archive:
        for document in found:
            check()
            name = ""
            if document.output is not None:
                name = names.of(document)
                with archive.open(_entry(batch, name), "w") as entry:
                    for chunk in storage.open_stream(document.output.key):
                        entry.write(chunk)
            rows.append(_row(document, name))
        archive.writestr(_entry(batch, MANIFEST, zipfile.ZIP_DEFLATED), _table(rows))


def _entry(batch: Batch, name: str, compression: int = zipfile.ZIP_STORED) -> zipfile.ZipInfo:
    # PDFs are compressed already.
    entry = zipfile.ZipInfo(name, date_time=batch.queued_at.timetuple()[:6])
    entry.compress_type = compression
    entry.external_attr = 0o644 << 16
    return entry


def _row(document: Document, name: str) -> list[str]:
    item, job = document.item, document.item.job
    code, message = item.error_code, item.error_message
    if not code and job is not None:
        code, message = job.error_code, job.error_message
    line = "" if item.line is None else str(item.line)
    job_id = str(job.external_id) if job else ""
    texts = [_plain(text) for text in (item.reference, document.status, name, job_id, code, message)]
    return [str(item.position), line, *texts]


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _table(rows: Sequence[Sequence[str]]) -> str:
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(_COLUMNS)
    writer.writerows(rows)
    return table.getvalue()
