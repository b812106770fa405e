"""Files inside a document: whole, named, dated by the job, beside those that the template attaches."""

from __future__ import annotations

import io

import pikepdf
import pytest

from templates_app.renderer.contracts import Engine
from templates_app.renderer.finishes import Attachment, Finish, Relationship
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.support import Asset, spec, text_of

ENGINES = pytest.mark.parametrize("engine", list(Engine))
XML = Attachment("rechnung.xml", "text/xml", b"<a/>" * 50, "The invoice as XML", Relationship.ALTERNATIVE)
ODD = Attachment("Ž Anhang (1).bin", "application/octet-stream", bytes(range(256)))


@ENGINES
def test_files_are_inside_with_their_names_types_and_dates(sandbox: Sandbox, engine: Engine) -> None:
    document = sandbox.render(spec("<p>words", engine=engine, finish=Finish(attachments=(XML, ODD))), tenant="acme")
    with pikepdf.open(io.BytesIO(document.pdf)) as pdf:
        assert sorted(pdf.attachments) == sorted([XML.filename, ODD.filename])
        for wanted in (XML, ODD):
            kept = pdf.attachments[wanted.filename]
            file = kept.get_file()
            assert (kept.filename, kept.description) == (wanted.filename, wanted.description)
            assert (file.read_bytes(), file.mime_type) == (wanted.data, wanted.content_type)
            assert str(file.obj.Params.ModDate) == str(file.obj.Params.CreationDate) == "D:20260102020405Z"
        assert [str(file.AFRelationship) for file in pdf.Root.AF] == ["/Alternative", "/Unspecified"]
    assert text_of(document).strip() == "words"


def test_what_the_template_attaches_stays(sandbox: Sandbox) -> None:
    html = '<link rel="attachment" href="asset:own.txt" title="own"><a rel="attachment" href="asset:two.txt">two</a>'
    assets = (Asset("own.txt", "text/plain", b"own"), Asset("two.txt", "text/plain", b"two"))
    document = sandbox.render(spec(html, assets=assets, finish=Finish(attachments=(XML,))), tenant="acme")
    with pikepdf.open(io.BytesIO(document.pdf)) as pdf:
        assert len(pdf.attachments) == 2
        assert pdf.attachments[XML.filename].get_file().read_bytes() == XML.data
        assert pdf.pages[0].Annots[0].Subtype == "/FileAttachment"
        dates = {str(item.Params.ModDate) for item in pdf.objects if is_embedded(item)}
    assert dates == {"D:20260102020405Z"}


def is_embedded(item: pikepdf.Object) -> bool:
    """Say whether an object is a file's bytes."""
    return isinstance(item, pikepdf.Stream) and item.get("/Type") == "/EmbeddedFile"
