"""What a watermark costs: the same document with and without one, in turn and in one run, on both engines.

    python benchmarks/watermark.py [--rounds 15] [--pages 10 500] [--engines weasyprint plutobook]

Prints the processor time of whole renders in one warm child, the best of all rounds with the watermark over the best
without, the same for the first document with that watermark (its text is printed once and kept), and by how much the
file grows. What else the machine does counts little against the best of many.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from throughput import ROOT  # it also lets Python find what follows

from templates_app.renderer.contracts import Engine, Language, RenderedDocument, RenderLimits, RenderSpec
from templates_app.renderer.finishes import NO_FINISH, Finish, Watermark
from templates_app.renderer.sandbox import Sandbox

MARKS = {
    "once": Watermark("CONFIDENTIAL"),
    "tiled": Watermark("CONFIDENTIAL", repeat=True),
    "tiled CJK": Watermark("機密 社外秘", repeat=True),
    "tiled Arabic": Watermark("سري للغاية", repeat=True),
}
_PARAGRAPH = "<p>" + "Words of a report that fill a page as reports do, with figures such as 1,234.56. " * 4 + "</p>"
_TABLE = "<table>" + "".join(f"<tr><td>{row}<td>Item {row}<td>{row * 7}.00</tr>" for row in range(12)) + "</table>"
_PAGE = f"<section><h2>Chapter</h2>{_PARAGRAPH * 5}{_TABLE}</section>"
_STYLE = """<style>@page { size: 210mm 297mm; margin: 20mm; @bottom-right { content: counter(page) } }
section { break-after: page } table { width: 100%; border-collapse: collapse } td { border-bottom: 1px solid #ccc }
body { font-family: sans-serif; font-size: 10pt }</style>"""


@dataclass(frozen=True)
class Timed:
    """A document and how much processor time its whole render took in the child, in milliseconds."""

    document: RenderedDocument
    ms: float


def render(sandbox: Sandbox, engine: Engine, pages: int, mark: Watermark | None) -> Timed:
    """Render a document of so many pages."""
    finish = Finish(watermark=mark) if mark else NO_FINISH
    source = _STYLE + _PAGE * pages
    spec = RenderSpec(language=Language.RAW_HTML, engine=engine, html_source=source, finish=finish)
    # The kernel's clock of another process: (~pid << 3) | 2, see clock_getcpuclockid(3).
    clock = (~sandbox._nursery.child_for("benchmark").pid << 3) | 2
    started = time.clock_gettime(clock)
    document = sandbox.render(spec, tenant="benchmark")
    return Timed(document, (time.clock_gettime(clock) - started) * 1000)


def measure(sandbox: Sandbox, engine: Engine, pages: int, mark: Watermark, rounds: int) -> str:
    """Return one line of the table."""
    render(sandbox, engine, pages, None)
    plain, marked, first = [], [], []
    for number in range(rounds):
        plain.append(render(sandbox, engine, pages, None))
        # A colour of its own makes it one that the child has not seen.
        first.append(render(sandbox, engine, pages, replace(mark, color=f"#8080{number:02x}")))
        marked.append(render(sandbox, engine, pages, replace(mark, color=f"#8080{number:02x}")))
    growth = len(marked[0].document.pdf) - len(plain[0].document.pdf)
    best = min(one.ms for one in plain)
    ratios = [min(one.ms for one in some) / best for some in (marked, first)]
    return f"{plain[0].document.page_count} | {best:.1f} | {ratios[0]:.3f} | {ratios[1]:.3f} | {growth / 1000:.1f} |"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--pages", type=int, nargs="+", default=[10, 500])
    parser.add_argument("--engines", nargs="+", default=[engine.value for engine in Engine])
    wishes = parser.parse_args()
    print("| engine | watermark | pages | without, ms | with / without | first one / without | growth, KB |")
    print("|---|---|---|---|---|---|---|")
    limits = RenderLimits(timeout_s=300)
    with (
        tempfile.TemporaryDirectory(prefix=ROOT.name) as scratch,
        Sandbox(scratch_root=Path(scratch), limits=limits) as sandbox,
    ):
        for engine in map(Engine, wishes.engines):
            for pages in wishes.pages:
                rounds = max(3, min(wishes.rounds, 20 * wishes.rounds // pages))
                for name, mark in MARKS.items() if pages == min(wishes.pages) else [("tiled", MARKS["tiled"])]:
                    line = measure(sandbox, engine, pages, mark, rounds)
                    print(f"| {engine.value} | {name} | {line}", flush=True)


if __name__ == "__main__":
    main()
