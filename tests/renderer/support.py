"""What the renderer's tests share: sandboxes of probes, specs in one line, and looks into PDFs."""

from __future__ import annotations

import json
import os
import select
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pypdfium2

from templates_app.renderer.contracts import (
    Asset,
    Engine,
    ErrorCode,
    Language,
    Partial,
    RenderedDocument,
    RenderError,
    RenderSpec,
    ResourcePolicy,
)
from templates_app.renderer.languages import LANGUAGES
from templates_app.renderer.sandbox import Sandbox

FONT_PATH = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf"


class ProbeSandbox(Sandbox):
    """Real confinement around `probes` instead of the engines."""

    program = "tests.renderer.probes"


class LandlocklessSandbox(Sandbox):
    """Probes on a kernel without Landlock."""

    program = "tests.renderer.probes_without_landlock"


class BrokenLandlockSandbox(Sandbox):
    """Probes on a kernel that refuses Landlock only when it comes to it."""

    program = "tests.renderer.probes_with_broken_landlock"


def probe(
    sandbox: Sandbox, name: str, argument: str = "", *, tenant: str = "acme", payload: bytes = b"{}"
) -> RenderedDocument:
    """Run one probe in a confined child."""
    return sandbox.render(spec(name, css=argument, payload=payload), tenant=tenant)


def failed_probe(sandbox: Sandbox, name: str, argument: str = "", **options: Any) -> RenderError:
    """Run a probe that must fail; return its error."""
    try:
        document = probe(sandbox, name, argument, **options)
    except RenderError as error:
        return error
    raise AssertionError(f"the probe {name} answered {document.log}")


def surroundings(sandbox: Sandbox, *, tenant: str = "acme") -> dict[str, Any]:
    """Return what a child sees of its environment."""
    seen: dict[str, Any] = json.loads(probe(sandbox, "surroundings", tenant=tenant).log)
    return seen


def busy_child(sandbox: Sandbox) -> int:
    """Wait until a child is rendering; return its pid."""
    assert eventually(lambda: sandbox._busy is not None)
    assert sandbox._busy is not None
    return sandbox._busy.pid


def spec(
    html: str,
    *,
    engine: Engine = Engine.WEASYPRINT,
    css: str = "",
    payload: bytes = b"{}",
    assets: tuple[Asset, ...] = (),
    policy: ResourcePolicy = ResourcePolicy.WARN,
    title: str = "",
    language: Language = Language.JINJA2,
    **more: Any,
) -> RenderSpec:
    """Return a spec made on 2 January 2026, in Jinja2 if no language is named."""
    return RenderSpec(
        **more,
        language=language,
        engine=engine,
        html_source=html,
        css_source=css,
        payload=payload,
        assets=assets,
        resource_policy=policy,
        title=title,
        created_at="2026-01-02T03:04:05+01:00",
    )


def written(
    source: str,
    payload: object = None,
    *,
    language: Language = Language.JINJA2,
    partials: Mapping[str, str] | None = None,
    trusted: tuple[str, ...] = (),
    **more: Any,
) -> str:
    """Return the HTML that a language writes, in this process."""
    wanted = RenderSpec(
        language=language,
        engine=Engine.PLUTOBOOK,
        html_source=source,
        payload=json.dumps({} if payload is None else payload).encode(),
        partials=tuple(Partial(name, text) for name, text in (partials or {}).items()),
        trusted_fields=trusted,
        **more,
    )
    return LANGUAGES[language](wanted)


def written_error(source: str, payload: object = None, **more: Any) -> RenderError:
    """Return the error of a template that must fail."""
    try:
        html = written(source, payload, **more)
    except RenderError as caught:
        return caught
    raise AssertionError(f"the template wrote {html!r}")


def failure(sandbox: Sandbox, wanted: RenderSpec) -> RenderError:
    """Render a spec that must fail; return its error."""
    try:
        sandbox.render(wanted, tenant="acme")
    except RenderError as error:
        return error
    raise AssertionError("the document was made")


def text_of(document: RenderedDocument) -> str:
    """Return all text of a document, pages apart by form feeds."""
    return pdf_text(document.pdf)


def pdf_text(data: bytes) -> str:
    """Return all text of a PDF, pages apart by form feeds."""
    with pypdfium2.PdfDocument(data) as pdf:
        return "\f".join(pdf[number].get_textpage().get_text_range() for number in range(len(pdf)))


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Wait until the condition holds; say whether it ever did."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.005)
    return True


def ends(pidfd: int, seconds: float = 10.0) -> bool:
    """Wait until the process ends; say whether it did."""
    return bool(select.select([pidfd], [], [], seconds)[0])


def watch(pid: int) -> int:
    """Return a pidfd."""
    return os.pidfd_open(pid)


def kill_and_wait(pid: int, signal_number: int) -> None:
    """Send a signal and wait until the process is gone."""
    pidfd = watch(pid)
    try:
        os.kill(pid, signal_number)
        assert ends(pidfd)
    finally:
        os.close(pidfd)


__all__ = [
    "FONT_PATH",
    "Asset",
    "BrokenLandlockSandbox",
    "Engine",
    "ErrorCode",
    "LandlocklessSandbox",
    "Language",
    "ProbeSandbox",
    "busy_child",
    "ends",
    "eventually",
    "failed_probe",
    "failure",
    "kill_and_wait",
    "probe",
    "spec",
    "surroundings",
    "text_of",
    "watch",
    "written",
    "written_error",
]
