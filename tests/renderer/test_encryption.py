"""AES-256: what opens a document, and what its readers may do."""

from __future__ import annotations

import io

import pikepdf
import pypdfium2
import pytest

from templates_app.renderer.contracts import Engine
from templates_app.renderer.finishes import Attachment, Encryption, Finish, Metadata, Permission, Watermark
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.support import spec

ENGINES = pytest.mark.parametrize("engine", list(Engine))


def encrypted(sandbox: Sandbox, engine: Engine, wish: Encryption, **more: object) -> bytes:
    """Return an encrypted document."""
    finish = Finish(encryption=wish, **more)  # type: ignore[arg-type]
    return sandbox.render(spec("<title>Secret</title><p>words", engine=engine, finish=finish), tenant="acme").pdf


@ENGINES
def test_only_the_passwords_open_it(sandbox: Sandbox, engine: Engine) -> None:
    pdf = encrypted(sandbox, engine, Encryption("öffne dich", "owner", (Permission.PRINT,)))
    for wrong in ("", "offne dich", "Owner"):
        with pytest.raises(pikepdf.PasswordError):
            pikepdf.open(io.BytesIO(pdf), password=wrong)
    with pikepdf.open(io.BytesIO(pdf), password="öffne dich") as document:
        assert (document.encryption.R, document.encryption.V, document.encryption.bits) == (6, 5, 256)
        assert "aesv3" in str(document.encryption.stream_method)
        assert not document.owner_password_matched
        assert document.allow.print_highres
        assert not document.allow.extract
        assert not document.allow.modify_other
        assert not document.allow.modify_annotation
    with pikepdf.open(io.BytesIO(pdf), password="owner") as document:
        assert document.owner_password_matched
    with pypdfium2.PdfDocument(pdf, password="öffne dich") as document:
        assert document[0].get_textpage().get_text_range().strip() == "words"
    assert b"Secret" not in pdf


@ENGINES
def test_without_a_users_password_anybody_reads_within_the_permissions(sandbox: Sandbox, engine: Engine) -> None:
    pdf = encrypted(sandbox, engine, Encryption("", "", (Permission.COPY, Permission.FILL_FORMS)))
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert not document.owner_password_matched, "nobody has the owner's password"
        assert document.allow.extract
        assert document.allow.modify_form
        assert not document.allow.print_lowres


@ENGINES
def test_everything_else_is_encrypted_with_it(sandbox: Sandbox, engine: Engine) -> None:
    more = {
        "metadata": Metadata(author="NOBODYSEES"),
        "attachments": (Attachment("a.txt", "text/plain", b"NOBODYSEES"),),
        "watermark": Watermark("NOBODYSEES"),
    }
    pdf = encrypted(sandbox, engine, Encryption("u"), **more)
    assert b"NOBODYSEES" not in pdf
    with pikepdf.open(io.BytesIO(pdf), password="u") as document:
        assert str(document.docinfo["/Author"]) == "NOBODYSEES"
        assert document.attachments["a.txt"].get_file().read_bytes() == b"NOBODYSEES"


def test_the_wish_shows_no_password() -> None:
    wish = Finish(encryption=Encryption("hush", "hush"))
    assert "hush" not in repr(spec("x", finish=wish))
