"""How the wishes for finishing look inside frames. The child, which reads them, trusts its parent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from templates_app.renderer.finishes import (
    Attachment,
    Encryption,
    Finish,
    Metadata,
    PdfVariant,
    Permission,
    Relationship,
    Watermark,
)


def pack_finish(finish: Finish) -> tuple[dict[str, Any], list[bytes]]:
    """Return the part of a frame that says how a document is finished, and the files that it needs."""
    header: dict[str, Any] = {
        "metadata": asdict(finish.metadata),
        "attachments": [
            [item.filename, item.content_type, item.description, item.relationship.value] for item in finish.attachments
        ],
        "variant": finish.variant,
        "watermark": None,
        "encryption": None if finish.encryption is None else asdict(finish.encryption),
    }
    blobs = [item.data for item in finish.attachments]
    if finish.watermark is not None:
        header["watermark"] = asdict(replace(finish.watermark, image=b"")) | {"image": None}
        blobs.append(finish.watermark.image)
    return header, blobs


def unpack_finish(header: dict[str, Any], blobs: Sequence[bytes]) -> Finish:
    """Return what `pack_finish` packed."""
    attachments = header["attachments"]
    files = blobs[: len(attachments)]
    return Finish(
        metadata=Metadata(**header["metadata"]),
        attachments=tuple(
            Attachment(filename, content_type, data, description, Relationship(relationship))
            for (filename, content_type, description, relationship), data in zip(attachments, files, strict=True)
        ),
        watermark=_unpack_watermark(header["watermark"], blobs[-1]) if header["watermark"] else None,
        variant=PdfVariant(header["variant"]) if header["variant"] else None,
        encryption=_unpack_encryption(header["encryption"]),
    )


def _unpack_encryption(header: dict[str, Any] | None) -> Encryption | None:
    if header is None:
        return None
    permissions = tuple(Permission(name) for name in header["permissions"])
    return Encryption(header["user_password"], header["owner_password"], permissions)


def _unpack_watermark(header: dict[str, Any], image: bytes) -> Watermark:
    pages = tuple((first, last) for first, last in header["pages"])
    return Watermark(**{**header, "image": image, "pages": pages})
