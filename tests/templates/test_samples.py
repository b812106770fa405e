"""The sample templates, as a customer would see them, on both engines."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import jsonschema
import pypdfium2
import pytest
from django.core.management import call_command

from pdfservice.teams.models import Team
from templates_app.models import Template, TemplateVersion
from templates_app.renderer.contracts import (
    Asset,
    Engine,
    Partial,
    RenderedDocument,
    RenderLimits,
    RenderSpec,
    ResourcePolicy,
)
from templates_app.renderer.sandbox import Sandbox
from templates_app.sample_templates import SAMPLES, sample_slugs, sample_source

ENGINES = list(Engine)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One renderer for all."""
    with Sandbox(scratch_root=tmp_path_factory.mktemp("scratch"), limits=RenderLimits(timeout_s=60)) as started:
        yield started


def render(sandbox: Sandbox, slug: str, engine: Engine, payload: Any = None) -> RenderedDocument:
    """Render a sample with its own or another payload; anything missing fails."""
    source = sample_source(slug)
    spec = RenderSpec(
        language=source.language,
        engine=engine,
        html_source=source.html_source,
        css_source=source.css_source,
        payload=json.dumps(payload or source.sample_payload).encode(),
        assets=tuple(Asset(asset.name, asset.content_type, asset.data) for asset in source.assets),
        resource_policy=ResourcePolicy.FAIL,
        title=source.title,
        partials=tuple(Partial(name, text) for name, text in source.partials.items()),
        trusted_fields=tuple(source.trusted_fields),
        locale=source.locale,
        timezone=source.timezone,
    )
    return sandbox.render(spec, tenant="samples")


def pages(document: RenderedDocument) -> list[str]:
    """Return the text of each page."""
    with pypdfium2.PdfDocument(document.pdf) as pdf:
        return [page.get_textpage().get_text_range() for page in pdf]


def sample_payload(slug: str) -> dict[str, Any]:
    """Return a copy of a sample's own payload."""
    payload: dict[str, Any] = copy.deepcopy(sample_source(slug).sample_payload)
    return payload


@pytest.mark.parametrize("slug", sample_slugs())
def test_a_samples_schema_holds_its_payload_and_is_strict(slug: str) -> None:
    source = sample_source(slug)
    jsonschema.Draft202012Validator.check_schema(source.payload_schema)
    validator = jsonschema.Draft202012Validator(source.payload_schema)
    validator.validate(source.sample_payload)
    assert not validator.is_valid({**source.sample_payload, "surprise": 1})
    required = source.payload_schema["required"][0]
    assert not validator.is_valid({name: v for name, v in source.sample_payload.items() if name != required})


@pytest.mark.parametrize("slug", sample_slugs())
def test_a_sample_names_only_assets_that_it_brings_and_brings_each_fonts_licence(slug: str) -> None:
    source = sample_source(slug)
    named = set(re.findall(r"asset:([\w.-]+)", source.html_source + source.css_source))
    assert named <= {asset.name for asset in source.assets}
    assert list(Path(SAMPLES / slug).rglob("*OFL*"))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_invoice_is_one_page_with_its_sums(sandbox: Sandbox, engine: Engine) -> None:
    document = render(sandbox, "invoice", engine)
    assert (document.page_count, document.warnings) == (1, ())
    text = pages(document)[0]
    for expected in ("€4,640.32", "€5,140.32", "864.02", "Müller Łoś Interiors Ltd", "Page 1 of 1"):
        assert expected in text


def sixty_items() -> dict[str, Any]:
    """Return the invoice's payload with sixty lines."""
    payload = sample_payload("invoice")
    lines = islice(cycle(payload["items"]), 60)
    payload["items"] = [{**line, "description": f"{line['description']} ({n})"} for n, line in enumerate(lines, 1)]
    return payload


@pytest.mark.parametrize("engine", ENGINES)
def test_a_long_invoice_repeats_its_head_and_keeps_its_totals_together(sandbox: Sandbox, engine: Engine) -> None:
    texts = pages(render(sandbox, "invoice", engine, sixty_items()))
    assert len(texts) == 4
    for number, text in enumerate(texts, 1):
        assert f"Page {number} of 4" in text
        assert ("Unit price" in text) == ("(1)" in text or number < 4 or "(60)" in text)
    assert "Subtotal" in texts[-1]
    assert "Balance due" in texts[-1]
    assert "€45,290.35" in texts[-1]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_invoice_without_anything_optional_still_stands(sandbox: Sandbox, engine: Engine) -> None:
    schema, full = sample_source("invoice").payload_schema, sample_payload("invoice")
    bare = {name: full[name] for name in schema["required"]}
    bare["items"] = [{**bare["items"][0], "quantity": 1, "unit_price": 1.005}]
    text = pages(render(sandbox, "invoice", engine, bare))
    assert len(text) == 1
    assert "1.01" in text[0]
    assert "Total due" in text[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_markup_in_an_invoice_is_text(sandbox: Sandbox, engine: Engine) -> None:
    payload = sample_payload("invoice")
    payload["items"][0]["description"] = "<script>alert(1)</script><b>bold</b>"
    assert "<b>bold</b>" in pages(render(sandbox, "invoice", engine, payload))[0].replace("\r\n", "")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["Al", "W" * 100, "Anna-Katharina Wilhelmine von Hohenlohe-Langenburg"])
def test_a_certificate_is_one_landscape_page_for_any_name(sandbox: Sandbox, engine: Engine, name: str) -> None:
    payload = sample_payload("certificate")
    key = "recipient" if "recipient" in payload else "recipient_name"
    payload[key] = {**payload[key], "name": name} if isinstance(payload[key], dict) else name
    document = render(sandbox, "certificate", engine, payload)
    with pypdfium2.PdfDocument(document.pdf) as pdf:
        assert len(pdf) == 1
        width, height = pdf[0].get_size()
        assert (round(width), round(height)) == (842, 595)
        shown = pdf[0].get_textpage().get_text_range()
        squeezed = re.sub(r"\s", "", shown)
        assert re.sub(r"\s", "", name).casefold() in squeezed.casefold().replace("\ufffe", "-")


@pytest.mark.parametrize("engine", ENGINES)
def test_the_monthly_report_has_a_cover_contents_and_a_chart(sandbox: Sandbox, engine: Engine) -> None:
    document = render(sandbox, "monthly-report", engine)
    text = pages(document)
    assert document.warnings == ()
    assert "Northlight Energy Cooperative" in text[0]
    assert "Contents" in text[1]
    assert "\u20ac168,402.50" in text[2]
    # The chart's own figures are text in it.
    assert "1,251" in "".join(text)


def test_the_contents_of_the_report_name_the_pages(sandbox: Sandbox) -> None:
    contents = pages(render(sandbox, "monthly-report", Engine.WEASYPRINT))[1]
    assert re.findall(r"^\d$", contents.replace("\r", ""), re.MULTILINE) == ["3", "3", "4", "4"]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_contract_numbers_the_clauses_that_it_has(sandbox: Sandbox, engine: Engine) -> None:
    full = "".join(pages(render(sandbox, "contract", engine)))
    for expected in ("\u00a32,450.00", "3 months' notice", "Confidentiality", "§ 7", "1 November 2026"):
        assert expected in full
    bare = sample_payload("contract")
    for name in ("ends_on", "notice_months", "confidential", "data_protection", "law"):
        del bare[name]
    short = "".join(pages(render(sandbox, "contract", engine, bare)))
    assert "runs until one party ends it" in re.sub(r"\s+", " ", short)
    assert "Confidentiality" not in short
    assert "§ 6" not in short


@pytest.mark.parametrize("engine", ENGINES)
def test_the_ticket_is_one_page_in_the_time_of_its_place(sandbox: Sandbox, engine: Engine) -> None:
    payload = sample_payload("event-ticket")
    payload["starts_at"] = "2026-07-04T18:30:00Z"
    text = pages(render(sandbox, "event-ticket", engine, payload))
    assert len(text) == 1
    assert "Saturday, 4 July 2026" in text[0].replace("Saturday 4", "Saturday, 4")
    assert "19:30" in text[0]
    for name in ("doors_at", "seat", "price", "tagline", "rules"):
        del payload[name]
    assert "free" in pages(render(sandbox, "event-ticket", engine, payload))[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_title_and_a_text_make_a_document(sandbox: Sandbox, engine: Engine) -> None:
    content = "# One\n\nSome **bold** words, $x^2$ and <b>no HTML</b>.\n\n- [x] done 🎉"
    payload = {"title": "Plan *B*", "content": content}
    document = render(sandbox, "markdown-document", engine, payload)
    text = pages(document)[0]
    for expected in ("Plan *B*", "Some bold words", "<b>no HTML</b>"):
        assert expected in text
    assert document.warnings == ()
    assert len(pages(render(sandbox, "markdown-document", engine))) == 2


MARGINS_MM = [("invoice", 12), ("certificate", 6), ("contract", 15), ("event-ticket", 6)]


@pytest.mark.parametrize(("slug", "margin_mm"), MARGINS_MM)
def test_nothing_runs_into_the_margin(sandbox: Sandbox, slug: str, margin_mm: int) -> None:
    document = render(sandbox, slug, sample_source(slug).engine)
    with pypdfium2.PdfDocument(document.pdf) as pdf:
        picture = pdf[0].render(scale=1).to_pil().convert("L")
    width, height = picture.size
    margin = round(margin_mm / 25.4 * 72)
    for strip in ((0, 0, margin, height), (width - margin, 0, width, height)):
        darkest, _ = picture.crop(strip).getextrema()
        assert darkest > 200


def test_the_samples_are_loaded_by_command_and_loading_again_changes_nothing(acme: Team) -> None:
    call_command("load_samples", "acme", verbosity=0)
    call_command("load_samples", "acme", verbosity=0)
    assert sorted(Template.objects.values_list("slug", flat=True)) == sample_slugs()
    assert set(TemplateVersion.objects.values_list("version", "status")) == {(1, "published")}
