"""What is done to a printed PDF, as it crosses the border to the renderer: plain frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Relationship(StrEnum):
    """What an attached file is to the document (ISO 32000-2, table 43: AFRelationship)."""

    UNSPECIFIED = "unspecified"
    SOURCE = "source"
    DATA = "data"
    ALTERNATIVE = "alternative"
    SUPPLEMENT = "supplement"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a document says about itself, in place of what its template says; what is empty stays the template's."""

    title: str = ""
    author: str = ""
    subject: str = ""
    keywords: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside the document."""

    filename: str
    content_type: str
    data: bytes = field(repr=False)
    description: str = ""
    relationship: Relationship = Relationship.UNSPECIFIED


@dataclass(frozen=True, slots=True)
class Watermark:
    """A text, or an image where there is one, over or under the content of pages.

    `opacity` is 0 to 1, `rotation_deg` counts counterclockwise. `font_size` is in points, `width_percent` the width of
    an image in hundredths of the page's; None takes what fits the page. `pages` are first and last pages from 1, None
    for the document's last; empty for all.
    """

    text: str = ""
    image: bytes = field(default=b"", repr=False)
    image_type: str = ""
    opacity: float = 0.15
    rotation_deg: float = 45
    font_size: float | None = None
    width_percent: float | None = None
    color: str = "#808080"
    repeat: bool = False
    above: bool = True
    pages: tuple[tuple[int, int | None], ...] = ()


class Permission(StrEnum):
    """What a reader may do with an encrypted document who has not the owner's password (ISO 32000-2, table 22)."""

    PRINT = "print"
    COPY = "copy"
    MODIFY = "modify"
    ANNOTATE = "annotate"
    FILL_FORMS = "fill_forms"
    ASSEMBLE = "assemble"


@dataclass(frozen=True, slots=True)
class Encryption:
    """AES-256 with these passwords. Without a user's anybody opens the document, within the permissions."""

    user_password: str = field(default="", repr=False)
    owner_password: str = field(default="", repr=False)
    permissions: tuple[Permission, ...] = ()


class PdfVariant(StrEnum):
    """Which standard a document keeps to besides PDF itself."""

    A_2B = "pdf/a-2b"
    A_2U = "pdf/a-2u"
    A_3B = "pdf/a-3b"
    UA_1 = "pdf/ua-1"

    @property
    def is_archive(self) -> bool:
        """Whether it is for keeping: PDF/A."""
        return self is not PdfVariant.UA_1

    @property
    def title(self) -> str:  # type: ignore[override]  # what it is called, instead of str.title
        """What people call it."""
        return {"pdf/a-2b": "PDF/A-2b", "pdf/a-2u": "PDF/A-2u", "pdf/a-3b": "PDF/A-3b", "pdf/ua-1": "PDF/UA-1"}[self]


@dataclass(frozen=True, slots=True)
class Finish:
    """All that happens to a PDF after the engine; nothing of it by default."""

    metadata: Metadata = Metadata()
    attachments: tuple[Attachment, ...] = ()
    watermark: Watermark | None = None
    encryption: Encryption | None = None
    variant: PdfVariant | None = None


NO_FINISH = Finish()
