"""What the documentation promises about the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings
from drf_spectacular.generators import SchemaGenerator

from jobs_app.metrics.names import SPREADS, TOTALS

ROOT = Path(settings.BASE_DIR)
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"""\]\(([^)\s]+)\)|\b(?:src|href)="([^"]+)\"""")
_CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def _variables_read() -> set[str]:
    """Return the names in calls such as `env.text("NAME")`, wherever the environment is read for the settings."""
    names = set()
    for path in (ROOT / "pdfservice" / "settings.py", ROOT / "pdfservice" / "lib" / "environment.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="env")), args=[ast.Constant(value=str(name)), *_]):
                    names.add(name)
    return names


def test_operations_names_every_environment_variable_that_the_settings_read() -> None:
    variables = _variables_read()
    assert {"SECRET_KEY", "PORT"} <= variables
    page = (ROOT / "docs" / "operations.md").read_text()
    first_cells = "\n".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    assert {name for name in variables if f"`{name}`" not in first_cells} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = []
    for match in _LINK.finditer(_CODE.sub("", page.read_text())):
        target = match[1] or match[2]
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        goal = page.parent / path if path else page
        if not goal.exists() or (fragment and fragment not in _anchors(goal)):
            broken.append(target)
    assert broken == []


def _anchors(page: Path) -> set[str]:
    """Return the names that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_api_names_every_endpoint_of_the_schema() -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    schema = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    endpoints = {f"`{method.upper()} {path}`" for path, methods in schema["paths"].items() for method in methods}
    assert len(endpoints) > 5
    assert {endpoint for endpoint in endpoints if endpoint not in page} == set()


def test_operations_names_every_metric_with_its_type_and_labels() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| `pdfservice_")]
    said = {name: (row[2].strip(), row[3]) for row in rows for name in re.findall(r"`(\w+)`", row[1])}
    counted = {f"{total.name}_total": ("counter", total.labels) for total in TOTALS}
    spread = {spread.name: ("histogram", spread.labels) for spread in SPREADS}
    for name, (kind, labels) in {**counted, **spread}.items():
        assert said[name][0] == kind
        assert all(f"`{label}`" in said[name][1] for label in labels)
