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
class Finish:
    """All that happens to a PDF after the engine; nothing of it by default."""

    metadata: Metadata = Metadata()
    attachments: tuple[Attachment, ...] = ()


NO_FINISH = Finish()
