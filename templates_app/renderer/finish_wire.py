"""How the wishes for finishing look inside frames. The child, which reads them, trusts its parent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from templates_app.renderer.finishes import Attachment, Finish, Metadata, Relationship


def pack_finish(finish: Finish) -> tuple[dict[str, Any], list[bytes]]:
    """Return the part of a frame that says how a document is finished, and the files that it needs."""
    header = {
        "metadata": asdict(finish.metadata),
        "attachments": [
            [item.filename, item.content_type, item.description, item.relationship.value] for item in finish.attachments
        ],
    }
    return header, [item.data for item in finish.attachments]


def unpack_finish(header: dict[str, Any], blobs: Sequence[bytes]) -> Finish:
    """Return what `pack_finish` packed."""
    attachments = header["attachments"]
    return Finish(
        metadata=Metadata(**header["metadata"]),
        attachments=tuple(
            Attachment(filename, content_type, data, description, Relationship(relationship))
            for (filename, content_type, description, relationship), data in zip(attachments, blobs, strict=True)
        ),
    )
