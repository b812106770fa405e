"""The version under examination, and what its sample payload became."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from templates_app.renderer import diagnostics
from templates_app.renderer.contracts import ErrorCode, RenderError, RenderSpec, ResourcePolicy
from templates_app.renderer.engines import ENGINES
from templates_app.renderer.pipeline import write_html
from templates_app.renderer.resources import Resources


@dataclass(frozen=True, slots=True)
class Place:
    """A line and column, both from 1, in one of a version's texts."""

    file: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Printed:
    """The document: its HTML (empty if the source made none), its PDF, what it asked for in vain, or why it is none."""

    html: str = ""
    pdf: bytes = b""
    problems: dict[str, str] = field(default_factory=dict)
    failure: RenderError | None = None


@dataclass(frozen=True)
class Subject:
    """One version. `sample` and the schemas are parsed JSON; None where there is none."""

    spec: RenderSpec
    sample: Any = None
    payload_schema: Any = None
    active_schema: Any = None
    has_active_version: bool = False

    @cached_property
    def texts(self) -> dict[str, str]:
        """Every source by the name that findings call it."""
        partials = {f"partials/{part.name}": part.source for part in self.spec.partials}
        return {"html_source": self.spec.html_source, "css_source": self.spec.css_source, **partials}

    @cached_property
    def printed(self) -> Printed:
        """The document that the sample makes; made once, when it is first looked at."""
        spec = replace(self.spec, resource_policy=ResourcePolicy.WARN)
        html = ""
        resources = Resources(spec.assets)
        with diagnostics.capture() as notes:
            try:
                html = write_html(spec)
                pdf = ENGINES[spec.engine].render(html, resources)
            except RenderError as error:
                return Printed(html, b"", resources.problems, error)
            except MemoryError:
                raise
            except Exception as error:
                message = f"the renderer failed: {type(error).__name__}: {error}"
                failure = RenderError(ErrorCode.RENDER_CRASH, message, permanent=False)
                return Printed(html, b"", resources.problems, failure)
            for url, reason in notes.broken_images():
                resources.note(url, reason)
        return Printed(html, pdf, resources.problems)

    def find(self, text: str, *, begin: str = "html_source") -> Place:
        """Return where `text` first stands in a source, `begin` first; without a line where it stands in none."""
        for file in dict.fromkeys([begin, *self.texts]):
            position = self.texts[file].find(text)
            if position >= 0:
                return self.place(file, position)
        return Place(begin)

    def place(self, file: str, position: int) -> Place:
        """Return the line and column of a character."""
        before = self.texts[file][:position]
        return Place(file, before.count("\n") + 1, position - before.rfind("\n"))
