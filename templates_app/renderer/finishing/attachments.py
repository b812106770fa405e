"""Put files into the document, and give those that its template attached the job's date."""

from __future__ import annotations

import pikepdf

from templates_app.renderer.contracts import RenderSpec
from templates_app.renderer.finishes import Attachment
from templates_app.renderer.finishing.dates import pdf_date, set_dates


def apply(document: pikepdf.Pdf, spec: RenderSpec, engine_version: str) -> None:
    """Attach the files of the spec and date all that are attached."""
    date = pdf_date(spec.created_at)
    if _has_files(document):
        _date_files(document, date)
    if not spec.finish.attachments:
        return
    associated = document.Root.get("/AF", pikepdf.Array())
    for attachment in spec.finish.attachments:
        file = _file(document, attachment, date or "")
        document.attachments[attachment.filename] = file
        associated.append(file.obj)
    document.Root.AF = associated


def _has_files(document: pikepdf.Pdf) -> bool:
    if "/EmbeddedFiles" in document.Root.get("/Names", {}):
        return True
    notes = (note for page in document.pages for note in page.obj.get("/Annots", ()))
    return any(note.get("/Subtype") == "/FileAttachment" for note in notes)


def _date_files(document: pikepdf.Pdf, date: str | None) -> None:
    """Replace the time of rendering, which WeasyPrint gives every attachment."""
    for item in document.objects:
        if isinstance(item, pikepdf.Stream) and item.get("/Type") == "/EmbeddedFile" and "/Params" in item:
            set_dates(item["/Params"], date)


def _file(document: pikepdf.Pdf, attachment: Attachment, date: str) -> pikepdf.AttachedFileSpec:
    file = pikepdf.AttachedFileSpec(
        document,
        attachment.data,
        filename=attachment.filename,
        description=attachment.description,
        mime_type=attachment.content_type,
        creation_date=date,
        mod_date=date,
    )
    file.obj.AFRelationship = pikepdf.Name(f"/{attachment.relationship.value.capitalize()}")
    return file
