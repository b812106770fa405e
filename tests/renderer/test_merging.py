"""Finished PDFs one behind the other."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pikepdf
import pypdfium2
import pytest

from templates_app.renderer.contracts import (
    Engine,
    ErrorCode,
    MergePart,
    MergeSpec,
    RenderedDocument,
    RenderError,
    RenderLimits,
)
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.support import spec, text_of

TWO_PAGES = '<p>{}</p><p style="break-before: page">end of {}</p>'


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox with little room for merged documents."""
    limits = RenderLimits(timeout_s=20, merge_memory_mb=128, merge_output_mb=4)
    with Sandbox(scratch_root=tmp_path_factory.mktemp("narrow"), limits=limits) as warm:
        yield warm


def _pdf(sandbox: Sandbox, name: str, engine: Engine = Engine.PLUTOBOOK) -> bytes:
    return sandbox.render(spec(TWO_PAGES.format(name, name), engine=engine), tenant="acme").pdf


def _merge(sandbox: Sandbox, *parts: MergePart, title: str = "") -> RenderedDocument:
    merge = MergeSpec(parts, title=title, created_at="2026-01-02T03:04:05+01:00")
    return sandbox.merge(merge, tenant="acme")


def _failure(sandbox: Sandbox, *parts: MergePart) -> RenderError:
    with pytest.raises(RenderError) as caught:
        _merge(sandbox, *parts)
    return caught.value


def test_documents_of_both_engines_come_in_their_order_with_a_bookmark_each(sandbox: Sandbox) -> None:
    parts = [
        MergePart("First: Ünïcode ✓", _pdf(sandbox, "one")),
        MergePart("Second", _pdf(sandbox, "two", Engine.WEASYPRINT)),
        MergePart("Third", _pdf(sandbox, "three")),
    ]
    merged = _merge(sandbox, *parts, title="All of them")
    assert merged.page_count == 6
    pages = text_of(merged).split("\f")
    assert [page.strip() for page in pages] == ["one", "end of one", "two", "end of two", "three", "end of three"]
    with pypdfium2.PdfDocument(merged.pdf) as pdf:
        bookmarks = [(item.get_title(), item.get_dest().get_index()) for item in pdf.get_toc()]
        assert pdf.get_metadata_dict()["Title"] == "All of them"
        assert pdf.get_metadata_dict()["CreationDate"] == "D:20260102020405Z"
    assert bookmarks == [("First: Ünïcode ✓", 0), ("Second", 2), ("Third", 4)]
    assert merged.peak_memory_kb > 0


def test_the_same_documents_give_the_same_bytes(sandbox: Sandbox) -> None:
    part = MergePart("One", _pdf(sandbox, "one"))
    assert _merge(sandbox, part, part).pdf == _merge(sandbox, part, part).pdf


def test_a_part_that_is_no_pdf_is_named_by_its_number(sandbox: Sandbox) -> None:
    failed = _failure(sandbox, MergePart("Good", _pdf(sandbox, "one")), MergePart("Bad", b"%PDF-1.7 no more of it"))
    assert failed.code is ErrorCode.RENDER_CRASH
    assert failed.message.startswith("document 2 of the merge cannot be read")


def test_more_than_fits_is_refused_before_anything_is_sent(narrow: Sandbox) -> None:
    failed = _failure(narrow, MergePart("Large", b"%PDF-" + bytes(4 << 20)))
    assert (failed.code, failed.permanent) == (ErrorCode.TOO_LARGE, True)


def test_a_merge_that_needs_too_much_memory_says_so_and_the_next_document_is_made(narrow: Sandbox) -> None:
    failed = _failure(narrow, MergePart("bomb", _bomb()))
    assert failed.code is ErrorCode.RENDER_MEMORY
    assert _pdf(narrow, "still works").startswith(b"%PDF-")


def test_titles_lose_what_no_reader_can_show(sandbox: Sandbox) -> None:
    merged = _merge(sandbox, MergePart("a\0b\ud800" + "x" * 1000, _pdf(sandbox, "one")))
    with pypdfium2.PdfDocument(merged.pdf) as pdf:
        (bookmark,) = pdf.get_toc()
        title = bookmark.get_title()
    assert "\0" not in title
    assert title.endswith("b" + title[3] + "x" * 296)
    assert len(title) == 300


def test_the_child_of_a_merge_is_not_used_again(sandbox: Sandbox) -> None:
    _merge(sandbox, MergePart("One", _pdf(sandbox, "one")))
    assert "acme" not in sandbox._nursery._children


def _bomb() -> bytes:
    """Return a PDF that is small on disk, where its many objects are compressed, and large in memory."""
    stream = io.BytesIO()
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page()
        page.obj.Lists = pikepdf.Array(
            pikepdf.Array(pdf.make_indirect(pikepdf.Array()) for _ in range(1000)) for _ in range(300)
        )
        pdf.save(stream, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return stream.getvalue()
