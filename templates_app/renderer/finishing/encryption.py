"""Encrypt the document while it is saved: AES-256 as PDF 2.0 has it (revision 6), metadata included."""

from __future__ import annotations

import secrets
from typing import Any

import pikepdf

from templates_app.renderer.finishes import Encryption, Permission


def saving(wish: Encryption | None) -> dict[str, Any]:
    """Return how `pikepdf.Pdf.save` is to write the file: encrypted, else with an /ID that follows from its content."""
    if wish is None:
        return {"deterministic_id": True}
    # An empty one would open every door to whoever gives none.
    owner = wish.owner_password or secrets.token_urlsafe(32)
    return {"encryption": pikepdf.Encryption(owner=owner, user=wish.user_password, R=6, allow=_allowed(wish))}


def _allowed(wish: Encryption) -> pikepdf.Permissions:
    allowed = set(wish.permissions)
    return pikepdf.Permissions(
        accessibility=True,  # ISO 32000-2 has readers ignore it: nobody may be shut out.
        extract=Permission.COPY in allowed,
        modify_annotation=Permission.ANNOTATE in allowed,
        modify_assembly=Permission.ASSEMBLE in allowed,
        modify_form=Permission.FILL_FORMS in allowed,
        modify_other=Permission.MODIFY in allowed,
        print_lowres=Permission.PRINT in allowed,
        print_highres=Permission.PRINT in allowed,
    )
