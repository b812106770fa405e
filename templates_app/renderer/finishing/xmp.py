"""XMP, the XML in which a PDF says of itself what its information dictionary says (ISO 16684-1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape

import pikepdf

_BEGIN = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
    ' xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"'
    ' xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">\n'
)
_END = '</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end="r"?>'
_LANGUAGES = '<rdf:Alt><rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt>'
_LIST = "<rdf:Seq><rdf:li>{}</rdf:li></rdf:Seq>"
# ISO 19005-2, 6.6.2 and 6.7.3: what in XMP stands for what in the information dictionary.
_PROPERTIES = (
    ("/Title", "dc:title", _LANGUAGES),
    ("/Author", "dc:creator", _LIST),
    ("/Subject", "dc:description", _LANGUAGES),
    ("/Keywords", "pdf:Keywords", "{}"),
    ("/Producer", "pdf:Producer", "{}"),
    ("/Creator", "xmp:CreatorTool", "{}"),
)


def packet(info: pikepdf.Dictionary, *, date: str | None, claims: Mapping[str, str] | None = None) -> bytes:
    """Return XMP with the texts of the information dictionary `info`.

    `claims` are further properties, such as `pdfaid:part`.
    """
    lines = [*_described(info), "<dc:format>application/pdf</dc:format>"]
    if date is not None:
        lines += [f"<xmp:CreateDate>{date}</xmp:CreateDate>", f"<xmp:ModifyDate>{date}</xmp:ModifyDate>"]
    lines += [f"<{name}>{escape(value)}</{name}>" for name, value in (claims or {}).items()]
    return "".join([_BEGIN, *(f"{line}\n" for line in lines), _END]).encode()


def _described(info: pikepdf.Dictionary) -> Iterator[str]:
    for entry, name, form in _PROPERTIES:
        if text := str(info.get(entry, "")):
            yield f"<{name}>{form.format(escape(text))}</{name}>"
