"""The rules of PDF/A-2, PDF/A-3 (ISO 19005) and PDF/UA-1 (ISO 14289-1) that can be checked here, each in a few lines.

They are no validator: contrast, reading order and the sense of a description no program can tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pikepdf

from templates_app.renderer.finishes import PdfVariant

_FORBIDDEN_ACTIONS = frozenset(
    {"/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/JavaScript", "/Hide", "/Rendition", "/Trans"}
)
_PRINTED = 4
_UNSEEN = 1 | 2 | 32  # invisible, hidden, no view
_DEEPEST_TAG = 500


def problems_of(document: pikepdf.Pdf, variant: PdfVariant, claims: Mapping[str, str]) -> Iterator[str]:
    """Yield what keeps a document from being what it claims, each in words for its author."""
    if document.is_encrypted:
        yield "it is encrypted"
    yield from _xmp(document, claims)
    needs_unicode = variant in {PdfVariant.A_2U, PdfVariant.UA_1}
    for item in document.objects:
        if isinstance(item, pikepdf.Dictionary | pikepdf.Stream):
            yield from _font(item, needs_unicode=needs_unicode)
            if variant.is_archive:
                yield from _archived(item)
    if variant.is_archive:
        yield from _output_intent(document)
        yield from _annotations(document)
        yield from _files(document, variant)
    else:
        yield from _accessible(document)


def _xmp(document: pikepdf.Pdf, claims: Mapping[str, str]) -> Iterator[str]:
    if "/Metadata" not in document.Root:
        yield "it has no XMP metadata"
        return
    xmp = document.Root.Metadata.read_bytes().decode("utf-8", "replace")
    for name, value in claims.items():
        if f"<{name}>{value}</{name}>" not in xmp:
            yield f"its XMP does not claim {name} {value}"
    with document.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
        title = str(metadata.get("dc:title", ""))
    if title != str(document.docinfo.get("/Title", "")):
        yield "its XMP has another title than the document"


def _font(item: pikepdf.Object, *, needs_unicode: bool) -> Iterator[str]:
    if item.get("/Type") != "/Font" or item.get("/Subtype") == "/Type3":
        return
    name = str(item.get("/BaseFont", "?")).removeprefix("/")
    if item.get("/Subtype") == "/Type0":
        if needs_unicode and "/ToUnicode" not in item:
            yield f"the font {name} does not tell its characters"
        return  # its descendant holds the glyphs
    descriptor = item.get("/FontDescriptor", pikepdf.Dictionary())
    if not any(f"/FontFile{kind}" in descriptor for kind in ("", "2", "3")):
        yield f"the font {name} is not embedded"


def _archived(item: pikepdf.Object) -> Iterator[str]:
    if item.get("/S") in _FORBIDDEN_ACTIONS and item.get("/Type", "/Action") == "/Action":
        yield f"it holds an action ({str(item['/S'])[1:]})"
    if isinstance(item, pikepdf.Stream):
        if "LZWDecode" in str(item.get("/Filter", "")):
            yield "it uses LZW compression"
        if item.get("/Subtype") == "/PS" or item.get("/Interpolate", False):
            yield "it holds an image or drawing that PDF/A forbids"


def _output_intent(document: pikepdf.Pdf) -> Iterator[str]:
    intents = [intent for intent in document.Root.get("/OutputIntents", ()) if intent.get("/S") == "/GTS_PDFA1"]
    profiles = [intent.DestOutputProfile for intent in intents if "/DestOutputProfile" in intent]
    if not profiles or not all(profile.read_bytes()[36:40] == b"acsp" for profile in profiles):
        yield "it has no output intent with a colour profile"
    if "/ID" not in document.trailer:
        yield "it has no identifier"


def _annotations(document: pikepdf.Pdf) -> Iterator[str]:
    for page in document.pages:
        for note in page.obj.get("/Annots", ()):
            flags = int(note.get("/F", 0))
            if note.get("/Subtype") != "/Popup" and (not flags & _PRINTED or flags & _UNSEEN):
                yield f"an annotation ({str(note.get('/Subtype'))[1:]}) would not be printed"


def _files(document: pikepdf.Pdf, variant: PdfVariant) -> Iterator[str]:
    for name, file in document.attachments.items():
        if variant is not PdfVariant.A_3B:
            yield f"it holds a file ({name}), which only PDF/A-3 allows"
            continue
        if "/AFRelationship" not in file.obj or file.obj not in list(document.Root.get("/AF", ())):
            yield f"the attached file {name} is not related to the document"
        if "/Subtype" not in file.get_file().obj:
            yield f"the attached file {name} has no content type"


def _accessible(document: pikepdf.Pdf) -> Iterator[str]:
    root = document.Root
    if not root.get("/MarkInfo", pikepdf.Dictionary()).get("/Marked", False) or "/StructTreeRoot" not in root:
        yield "it is not tagged"
        return
    if not str(root.get("/Lang", "")).strip():
        yield "it has no language: say <html lang=...>"
    if not str(document.docinfo.get("/Title", "")).strip():
        yield "it has no title: say <title> in the template, or metadata.title"
    if not root.get("/ViewerPreferences", pikepdf.Dictionary()).get("/DisplayDocTitle", False):
        yield "readers would show the file's name instead of the title"
    for number, page in enumerate(document.pages, start=1):
        if page.obj.get("/Annots") and page.obj.get("/Tabs") != "/S":
            yield f"page {number} has no tab order"
    yield from _tags(root.StructTreeRoot)


def _tags(tree: pikepdf.Object) -> Iterator[str]:
    """Look at figures and headings, in the order in which they are read."""
    level = 0
    waiting = [(tree, 0)]
    while waiting:
        element, depth = waiting.pop()
        if isinstance(element, pikepdf.Array):
            waiting += [(one, depth) for one in reversed(list(element))]
            continue
        if not isinstance(element, pikepdf.Dictionary) or depth > _DEEPEST_TAG:
            continue
        name = str(element.get("/S", ""))
        if name == "/Figure" and not str(element.get("/Alt", element.get("/ActualText", ""))).strip():
            yield "an image has no description: say alt=..."
        if heading := re.fullmatch("/H([1-6])", name):
            if int(heading[1]) > level + 1:
                yield f"a heading h{heading[1]} comes without an h{level + 1} before it"
            level = int(heading[1])
        if "/K" in element:
            waiting.append((element.K, depth + 1))
