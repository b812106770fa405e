"""PDF/A and PDF/UA: made by WeasyPrint, finished, and checked by rules of our own."""

from __future__ import annotations

import io
from collections.abc import Callable

import pikepdf
import pytest

from templates_app.renderer.contracts import Engine, ErrorCode
from templates_app.renderer.finishes import Attachment, Finish, Metadata, PdfVariant, Relationship, Watermark
from templates_app.renderer.finishing.pdf_variant import CLAIMS
from templates_app.renderer.finishing.variant_rules import problems_of
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.support import failure, pdf_text, spec

VARIANTS = pytest.mark.parametrize("variant", list(PdfVariant))
HTML = """<html lang="en"><title>Report</title><h1>Report</h1><h2>Part</h2><p>Words and <a href="https://example.org/">
a link</a>.<p style="opacity: .5">faint</p><table><tr><th>a<td>1</table><ul><li>one</ul>
<img alt="a dot" src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'></svg>">"""
XML = Attachment("a.xml", "text/xml", b"<a/>", "data", Relationship.DATA)


def made(sandbox: Sandbox, variant: PdfVariant, html: str = HTML, **finish: object) -> bytes:
    """Return a document of a variant."""
    wish = Finish(variant=variant, **finish)  # type: ignore[arg-type]
    return sandbox.render(spec(html, finish=wish), tenant="acme").pdf


@VARIANTS
def test_it_claims_what_it_is_with_everything_that_finishing_adds(sandbox: Sandbox, variant: PdfVariant) -> None:
    attachments = (XML,) if variant in {PdfVariant.A_3B, PdfVariant.UA_1} else ()
    mark = Watermark("DRAFT Ж 機密", repeat=True)
    pdf = made(sandbox, variant, metadata=Metadata(author="Ada"), watermark=mark, attachments=attachments)
    assert pdf == made(sandbox, variant, metadata=Metadata(author="Ada"), watermark=mark, attachments=attachments)
    with pikepdf.open(io.BytesIO(pdf)) as document:
        metadata = document.open_metadata()
        status = metadata.pdfa_status
        assert status == ({"pdf/a-2b": "2B", "pdf/a-2u": "2U", "pdf/a-3b": "3B"}.get(variant, ""))
        assert ("{http://www.aiim.org/pdfua/ns/id/}part" in metadata) is (variant is PdfVariant.UA_1)
        assert metadata["dc:creator"] == ["Ada"]
        assert list(problems_of(document, variant, CLAIMS[variant])) == []
        assert len(document.attachments) == len(attachments)
    assert "Words and" in pdf_text(pdf)


def test_tags_survive_and_the_watermark_is_none_of_them(sandbox: Sandbox) -> None:
    plain, marked = made(sandbox, PdfVariant.UA_1), made(sandbox, PdfVariant.UA_1, watermark=Watermark("DRAFT"))
    trees = []
    for pdf in (plain, marked):
        with pikepdf.open(io.BytesIO(pdf)) as document:
            tags = [str(item.S) for item in document.objects if is_tag(item)]
            trees.append(tags)
            assert str(document.pages[0].Annots[0].Contents) == "https://example.org/"
            content = document.pages[0].Contents
            streams = content if isinstance(content, pikepdf.Array) else [content]
            written = b"".join(stream.read_bytes() for stream in streams)
            assert (b"/Subtype /Watermark>> BDC" in written) is (pdf is marked)
    assert trees[0] == trees[1]
    assert {"/H1", "/H2", "/P", "/Table", "/Figure", "/Link"} <= set(trees[0])


def is_tag(item: pikepdf.Object) -> bool:
    """Say whether an object is an element of the structure tree."""
    return isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/StructElem"


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        (HTML.replace(' lang="en"', ""), "no language"),
        (HTML.replace("<title>Report</title>", ""), "no title"),
        (HTML.replace('alt="a dot"', ""), "no description"),
        (HTML.replace("h2", "h4"), "h4 comes without an h2"),
    ],
)
def test_what_only_the_author_can_mend_is_told(sandbox: Sandbox, html: str, problem: str) -> None:
    error = failure(sandbox, spec(html, finish=Finish(variant=PdfVariant.UA_1)))
    assert (error.code, error.permanent) == (ErrorCode.TEMPLATE_ERROR, True)
    assert error.message.startswith("The document is no PDF/UA-1: ")
    assert problem in error.message


def test_a_title_may_come_with_the_request(sandbox: Sandbox) -> None:
    html = HTML.replace("<title>Report</title>", "")
    assert made(sandbox, PdfVariant.UA_1, html, metadata=Metadata(title="Given"))


@VARIANTS
def test_the_fast_engine_makes_none(sandbox: Sandbox, variant: PdfVariant) -> None:
    error = failure(sandbox, spec(HTML, engine=Engine.PLUTOBOOK, finish=Finish(variant=variant)))
    assert "weasyprint" in error.message


def _no_fonts(document: pikepdf.Pdf) -> None:
    for item in document.objects:
        if isinstance(item, pikepdf.Dictionary):
            for name in ("/FontFile", "/FontFile2", "/FontFile3"):
                if name in item:
                    del item[name]


def _no_unicode(document: pikepdf.Pdf) -> None:
    for item in document.objects:
        if isinstance(item, pikepdf.Dictionary) and "/ToUnicode" in item:
            del item["/ToUnicode"]


def _hidden_link(document: pikepdf.Pdf) -> None:
    document.pages[0].Annots[0].F = 2


def _script(document: pikepdf.Pdf) -> None:
    document.Root.OpenAction = document.make_indirect(pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)"))


def _file(document: pikepdf.Pdf) -> None:
    unsaid = {"description": "", "mime_type": "", "creation_date": "", "mod_date": ""}
    document.attachments["a.txt"] = pikepdf.AttachedFileSpec(document, b"x", filename="a.txt", **unsaid)


def _unrelated(document: pikepdf.Pdf) -> None:
    _file(document)
    document.Root.AF = pikepdf.Array()


def _without(name: str) -> Callable[[pikepdf.Pdf], None]:
    def change(document: pikepdf.Pdf) -> None:
        del document.Root[name]

    return change


BREAKS = {
    "no fonts": (_no_fonts, PdfVariant.A_2B, "is not embedded"),
    "no characters": (_no_unicode, PdfVariant.A_2U, "does not tell its characters"),
    "no output intent": (_without("/OutputIntents"), PdfVariant.A_2B, "no output intent"),
    "no XMP": (_without("/Metadata"), PdfVariant.A_3B, "no XMP"),
    "a link that is not printed": (_hidden_link, PdfVariant.A_2B, "would not be printed"),
    "a script": (_script, PdfVariant.A_2B, "JavaScript"),
    "a file in PDF/A-2": (_file, PdfVariant.A_2B, "only PDF/A-3"),
    "a file without a type": (_file, PdfVariant.A_3B, "no content type"),
    "a file that is not related": (_unrelated, PdfVariant.A_3B, "not related"),
    "no tags": (_without("/StructTreeRoot"), PdfVariant.UA_1, "not tagged"),
    "no language": (_without("/Lang"), PdfVariant.UA_1, "no language"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_each_rule_finds_what_is_broken(sandbox: Sandbox, name: str) -> None:
    change, variant, problem = BREAKS[name]
    with pikepdf.open(io.BytesIO(made(sandbox, variant))) as document:
        change(document)
        assert problem in "; ".join(problems_of(document, variant, CLAIMS[variant]))


def test_another_claim_and_encryption_are_found(sandbox: Sandbox) -> None:
    stream = io.BytesIO()
    with pikepdf.open(io.BytesIO(made(sandbox, PdfVariant.A_2B))) as document:
        problems = list(problems_of(document, PdfVariant.A_3B, CLAIMS[PdfVariant.A_3B]))
        assert problems == ["its XMP does not claim pdfaid:part 3"]
        document.save(stream, encryption=pikepdf.Encryption(owner="o", user="", R=6))
    with pikepdf.open(stream) as document:
        assert "it is encrypted" in list(problems_of(document, PdfVariant.A_2B, CLAIMS[PdfVariant.A_2B]))
