"""The parent's side loads no engine and nothing that parses what a stranger sent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
import templates_app.renderer.confinement, templates_app.renderer.contracts, templates_app.renderer.sandbox
loaded = {name.partition(".")[0] for name in sys.modules}
engines = {"weasyprint", "plutoprint", "pikepdf", "PIL", "fontTools", "pyseccomp"}
languages = {"jinja2", "_quickjs", "nh3", "mjml", "markdown_it", "pygments", "ziamath", "babel", "segno", "barcode"}
print(*sorted(loaded & ({"django"} | engines | languages)))
"""


def test_the_parents_modules_load_no_engine_and_no_django() -> None:
    command = [sys.executable, "-c", PROGRAM]
    finished = subprocess.run(command, cwd=PROJECT_ROOT, check=True, capture_output=True, text=True)
    assert finished.stdout.strip() == ""
