"""From the results of compare.py to the page that shows them: tables and a plot."""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path
from typing import Any

from documents import ROOT

PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "images" / "performance.svg"
ORDER = (
    "bare plutobook",
    "service, plutobook",
    "bare weasyprint",
    "service, weasyprint",
    "chromium, warm tab",
    "wkhtmltopdf",
    "weasyprint command line",
)
_COLOURS = {"bare": "#9db4c0", "service": "#1f6f8b"}
_OTHERS = "#c9b79c"
_BETWEEN = re.compile(r"(<!-- figures -->\n).*?(<!-- /figures -->)", re.DOTALL)


def write_report(results: dict[str, Any]) -> None:
    """Draw the plot and put the tables into the page."""
    PLOT.write_text(plot(results))
    page = PAGE.read_text()
    assert _BETWEEN.search(page), "docs/performance.md has no place for figures"
    PAGE.write_text(_BETWEEN.sub(lambda found: found[1] + tables(results) + "\n" + found[2], page))


def tables(results: dict[str, Any]) -> str:
    """Return everything that was measured as Markdown."""
    lines = [
        f"Measured {results['at']} on {results['machine']}, {results['workers']} renderers of each kind at once, "
        f"{results['seconds']:g} s for each figure; service, bare engines and Chromium {results['rounds']} times in "
        "turns, the median of each figure and of each comparison (its least to its most). Load of the machine before "
        f"and after: {results['load_before']}, {results['load_after']}; a quiet machine begins near 0."
    ]
    for name, measured in results["figures"].items():
        lines += ["", f"### {name.capitalize()}", ""]
        lines += [
            "| | documents/s | against bare | p50 ms | p99 ms | MB each | alone, request to done, ms |",
            "|-" * 7 + "|",
        ]
        lines += [_row(renderer, measured) for renderer in ORDER if renderer in measured]
    at_once = results.get("hundred_at_once_ms")
    if at_once:
        lines += [
            "",
            f"100 simultaneous submissions, all 202: p50 {at_once['p50']:.0f} ms, p99 {at_once['p99']:.0f} ms.",
        ]
    lines += [f"{note}." for note in dict.fromkeys(results["notes"])]
    lines += ["", *_aims(results)]
    return "\n".join(lines)


def _row(renderer: str, measured: dict[str, Any]) -> str:
    own = measured[renderer]
    against = f"{own['against_bare']:.2f} ({_span(own['against_bare_each'])})" if "against_bare" in own else ""
    idle = f"{own['alone_ms']:.0f}" if "alone_ms" in own else ""
    cells = (
        f"{own['per_second']:.1f}",
        against,
        f"{own['p50_ms']:.0f}",
        f"{own['p99_ms']:.0f}",
        f"{own['memory_mb']:.0f}",
        idle,
    )
    return f"| {renderer} | " + " | ".join(cells) + " |"


def _span(ratios: list[float]) -> str:
    return f"{min(ratios):.2f} to {max(ratios):.2f}"


def _aims(results: dict[str, Any]) -> list[str]:
    """Return what was aimed at beside what was reached, for the invoice."""
    invoice = results["figures"].get("invoice")
    if invoice is None:
        return []
    fast, exact = invoice["service, plutobook"], invoice["service, weasyprint"]
    rows = [
        "| aim, for the invoice | reached |",
        "|-|-|",
        f"| service with weasyprint at 0.9 of the bare engine | {exact['against_bare']:.2f} |",
        f"| service with plutobook at 0.4 of the bare engine | {fast['against_bare']:.2f} |",
    ]
    if "against_chromium" in fast:
        rows.append(f"| service with plutobook 8 times warm Chromium | {fast['against_chromium']:.1f} times |")
    rows.append(f"| plutobook alone, request to done: 50 ms | {fast['alone_ms']:.0f} ms |")
    rows.append(f"| weasyprint alone: 60 ms above the bare engine | {exact['alone_over_bare_ms']:.0f} ms above |")
    return rows


def plot(results: dict[str, Any]) -> str:
    """Return bars of documents per second, one panel for each document, each with a scale of its own."""
    panels, top = [], 56
    for name, measured in results["figures"].items():
        shown = [renderer for renderer in ORDER if renderer in measured]
        most = max(measured[renderer]["per_second"] for renderer in shown)
        panels.append(f'<text x="20" y="{top}" font-size="15" font-weight="600">{escape(name.capitalize())}</text>')
        for place, renderer in enumerate(shown):
            panels.append(_bar(renderer, measured[renderer]["per_second"], most, top + 14 + 24 * place))
        top += 24 * len(shown) + 50
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {top - 20}" width="760" height="{top - 20}" '
        'font-family="system-ui, sans-serif" fill="#22333b" role="img">'
        f'<title>Documents per second by renderer</title><rect width="760" height="{top - 20}" fill="#fff"/>'
        '<text x="20" y="26" font-size="13" fill="#5c6b73">Documents per second, more is better. '
        f"{escape(results['at'])}, {escape(results['machine'])}</text>" + "".join(panels) + "</svg>\n"
    )


def _bar(renderer: str, value: float, most: float, y: int) -> str:
    width = max(1.0, 430 * value / most)
    colour = _COLOURS.get(re.split("[ ,]", renderer)[0], _OTHERS)
    number = f"{value:.0f}" if value >= 20 else f"{value:.1f}"  # as many digits as mean something
    return (
        f'<text x="210" y="{y + 13}" font-size="13" text-anchor="end">{escape(renderer)}</text>'
        f'<rect x="222" y="{y}" width="{width:.1f}" height="17" rx="2" fill="{colour}"/>'
        f'<text x="{230 + width:.1f}" y="{y + 13}" font-size="13">{number}</text>'
    )


if __name__ == "__main__":
    write_report(json.loads((Path(__file__).parent / "results.json").read_text()))
