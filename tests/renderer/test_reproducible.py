"""The same job gives the same bytes: in the same process, in another one, and whatever the clock says."""

from __future__ import annotations

import time

import pytest

from templates_app.renderer.contracts import Engine
from templates_app.renderer.finishes import Attachment, Finish, Metadata
from templates_app.renderer.sandbox import Sandbox
from tests.renderer.support import Asset, spec

HTML = """<html lang="en"><title>T</title><link rel="attachment" href="asset:a.txt"><h1 id="a">Title</h1>
<p>words <a href="#a">up</a> <a href="https://example.org/">out</a><p style="page-break-before: always">مرحبا 中文"""
FINISHES = {
    "plain": Finish(),
    "everything": Finish(
        metadata=Metadata(title="T", author="A", subject="S", keywords="K"),
        attachments=(Attachment("a.xml", "text/xml", b"<a/>"), Attachment("b.bin", "application/x-b", b"\0" * 99)),
    ),
}


@pytest.mark.parametrize("engine", list(Engine))
@pytest.mark.parametrize("finish", FINISHES.values(), ids=FINISHES.keys())
def test_the_same_spec_gives_the_same_bytes_in_any_process(sandbox: Sandbox, engine: Engine, finish: Finish) -> None:
    wanted = spec(HTML, engine=engine, assets=(Asset("a.txt", "text/plain", b"text"),), finish=finish)
    first = sandbox.render(wanted, tenant="acme")
    second_later = int(time.time()) + 1
    while time.time() < second_later:  # the engines date documents to the second
        again = sandbox.render(wanted, tenant="acme")
    elsewhere = sandbox.render(wanted, tenant="umbrella")
    assert first.pdf == again.pdf == elsewhere.pdf
    assert first.fonts == elsewhere.fonts
    assert first.fonts


@pytest.mark.parametrize("engine", list(Engine))
def test_the_names_of_the_fonts_are_known(sandbox: Sandbox, engine: Engine) -> None:
    html = "<p style='font-family: DejaVu Sans'>plain <b>bold</b>"
    fonts = sandbox.render(spec(html, engine=engine), tenant="acme").fonts
    assert [font.replace("-", "") for font in fonts] == ["DejaVuSans", "DejaVuSansBold"]
