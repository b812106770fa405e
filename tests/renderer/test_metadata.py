"""What a document says of itself: what was asked for, in the information dictionary and in XMP alike."""

from __future__ import annotations

import io
from typing import Any

import pikepdf
import pytest

from templates_app.renderer.contracts import Engine, RenderSpec
from templates_app.renderer.finishes import Finish, Metadata
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.support import spec

ENGINES = pytest.mark.parametrize("engine", list(Engine))
WISHES = Metadata(title="Žižek & <sons>", author="Ada Lovelace", subject="发票", keywords="invoice, 2026")
HTML = '<title>Its own</title><meta name="author" content="Template"><p>words'


def said(sandbox: Sandbox, wanted: RenderSpec) -> tuple[dict[str, str], dict[str, Any]]:
    """Return what the document says in its information dictionary, and in XMP."""
    document = sandbox.render(wanted, tenant="acme")
    with pikepdf.open(io.BytesIO(document.pdf)) as pdf:
        info = {name: str(value) for name, value in pdf.docinfo.items()}
        xmp = dict(pdf.open_metadata()) if "/Metadata" in pdf.Root else {}
    return info, xmp


@ENGINES
def test_what_is_asked_for_takes_the_place_of_what_the_template_says(sandbox: Sandbox, engine: Engine) -> None:
    info, xmp = said(sandbox, spec(HTML, engine=engine, finish=Finish(metadata=WISHES)))
    assert [info[f"/{name}"] for name in ("Title", "Author", "Subject", "Keywords")] == [
        WISHES.title,
        WISHES.author,
        WISHES.subject,
        WISHES.keywords,
    ]
    dublin, adobe = "{http://purl.org/dc/elements/1.1/}", "{http://ns.adobe.com/pdf/1.3/}"
    assert xmp[f"{dublin}title"] == WISHES.title
    assert xmp[f"{dublin}creator"] == [WISHES.author]
    assert xmp[f"{dublin}description"] == WISHES.subject
    assert xmp[f"{adobe}Keywords"] == WISHES.keywords
    assert xmp[f"{adobe}Producer"] == info["/Producer"]
    dates = [xmp[f"{{http://ns.adobe.com/xap/1.0/}}{name}"] for name in ("CreateDate", "ModifyDate")]
    assert dates == ["2026-01-02T02:04:05Z"] * 2
    assert info["/CreationDate"] == info["/ModDate"] == "D:20260102020405Z"


@ENGINES
def test_what_is_not_asked_for_stays_the_templates_and_xmp_says_so_too(sandbox: Sandbox, engine: Engine) -> None:
    info, xmp = said(sandbox, spec(HTML, engine=engine, finish=Finish(metadata=Metadata(subject="only this"))))
    assert (info["/Title"], info["/Author"], info["/Subject"]) == ("Its own", "Template", "only this")
    assert xmp["{http://purl.org/dc/elements/1.1/}title"] == "Its own"


@ENGINES
def test_without_a_wish_there_is_no_xmp(sandbox: Sandbox, engine: Engine) -> None:
    info, xmp = said(sandbox, spec(HTML, engine=engine))
    assert (info["/Title"], xmp) == ("Its own", {})


@ENGINES
def test_control_characters_in_a_templates_title_reach_neither(sandbox: Sandbox, engine: Engine) -> None:
    payload = b'{"title": "a\\u0001b\\u202ec"}'
    wanted = spec("<title>{{ title }}</title><p>x", engine=engine, payload=payload, finish=Finish(metadata=WISHES))
    info, _ = said(sandbox, wanted)
    assert info["/Title"] == WISHES.title
    wanted = spec("<title>{{ title }}</title><p>x", engine=engine, payload=payload)
    info, _ = said(sandbox, wanted)
    assert "\x01" not in info["/Title"]
    assert info["/Title"].startswith("a")
