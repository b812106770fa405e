"""What goes into the one file of a batch, and what each document is called there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from downloads_app.models import StoredFile
from downloads_app.streaming import fit_filename
from jobs_app.models import Batch, BatchItem
from jobs_app.states import Status

_LONGEST_STEM_BYTES = 150
# Not allowed in file names on Windows, nor are its devices.
_UNFIT = re.compile(r'[<>:"|?*]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Document:
    """One item on its way into the file; `output` is None when there is no document to put in."""

    item: BatchItem
    status: str
    output: StoredFile | None

    @property
    def title(self) -> str:
        """What it is called: the caller's reference, else its file name."""
        return self.item.reference or (self.output.filename.removesuffix(".pdf") if self.output else "")


def documents(batch: Batch) -> list[Document]:
    """Return every item of the batch in its order, with its document where there is one."""
    readable = set(StoredFile.objects.readable().filter(job__batch_items__batch=batch).values_list("pk", flat=True))
    items = batch.items.with_status().select_related("job__output").defer("job__payload").order_by("position")
    found = []
    for item in items:
        output = item.job.output if item.job and item.job.status == Status.DONE else None
        is_there = output is not None and output.pk in readable
        status = str(vars(item)["status"])  # annotated, so no type checker knows it
        if status == Status.DONE and not is_there:
            status = Status.EXPIRED
        found.append(Document(item, status, output if is_there else None))
    return found


class Names:
    """Safe file names, no two alike, not even where case or the form of an accent does not count."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def of(self, document: Document) -> str:
        """Return the next document's name."""
        stem = _stem(document.title)
        while True:
            key = unicodedata.normalize("NFKC", stem).casefold()
            count = self._counts[key] = self._counts.get(key, 0) + 1
            if count == 1:
                return f"{stem}.pdf"
            stem = f"{_stem(document.title)} ({count})"


def _stem(title: str) -> str:
    name = _UNFIT.sub("_", fit_filename(title))
    name = name[:-4] if name.lower().endswith(".pdf") else name
    name = name.encode()[:_LONGEST_STEM_BYTES].decode(errors="ignore").strip(" .")
    return f"_{name}" if _DEVICE.fullmatch(name) else name or "document"


def shown_titles(chosen: list[Document]) -> Iterator[str]:
    """Return what each document is called in a table of contents."""
    for document in chosen:
        yield fit_filename(document.title)
