"""Every metric that is counted from the audit log: its name, its help text, its labels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Total:
    """A number that only grows. Its name on the wire ends in `_total`."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spread:
    """A histogram. `bounds` are whole numbers in the unit that is measured; `scale` of them make one that is shown."""

    name: str
    help: str
    bounds: tuple[int, ...]
    scale: int
    labels: tuple[str, ...] = ("kind",)


SUBMITTED = Total("pdfservice_jobs_submitted", "Jobs accepted.", ("kind",))
ENDED = Total(
    "pdfservice_jobs_ended", "Jobs that came into a final state; one sent back may do so again.", ("kind", "state")
)
REVIVED = Total("pdfservice_jobs_revived", "Failed and cancelled jobs sent back into the queue.", ("kind",))
ATTEMPTS = Total("pdfservice_attempts", "Attempts by how they ended.", ("kind", "outcome"))
DEAD_LETTERS = Total("pdfservice_dead_letters", "Jobs that failed for good, by error code.", ("code",))
DEATHS = Total("pdfservice_renderer_deaths", "Renderer children or workers lost in an attempt, by cause.", ("cause",))
STARTS = Total("pdfservice_renderer_starts", "Renderer children by the first document that they made.", ("kind",))
STORAGE_ERRORS = Total("pdfservice_storage_errors", "Attempts that could not store their output or read an asset.")
LINKS = Total("pdfservice_links_created", "Download links handed out.")
REDEMPTIONS = Total("pdfservice_links_redeemed", "Downloads by link.")
REFUSALS = Total("pdfservice_links_refused", "Uses of links that were refused.")
WEBHOOK_ATTEMPTS = Total("pdfservice_webhook_attempts", "Posts to webhooks, by what came of them.", ("outcome",))
WEBHOOKS_DISABLED = Total("pdfservice_webhooks_disabled", "Webhooks that were disabled.", ("reason",))

_TIMES_MS = (10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 1_800_000)
WAITED = Spread("pdfservice_queue_wait_seconds", "From when a worker could take a job to its claim.", _TIMES_MS, 1000)
RENDERED = Spread("pdfservice_render_seconds", "Time to make a document, without storing it.", _TIMES_MS, 1000)
PEAKS = Spread(
    "pdfservice_renderer_peak_memory_bytes",
    "Most memory a renderer child had in an attempt.",
    tuple(megabytes << 20 for megabytes in (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)),
    1,
)

TOTALS = (
    SUBMITTED,
    ENDED,
    REVIVED,
    ATTEMPTS,
    DEAD_LETTERS,
    DEATHS,
    STARTS,
    STORAGE_ERRORS,
    LINKS,
    REDEMPTIONS,
    REFUSALS,
    WEBHOOK_ATTEMPTS,
    WEBHOOKS_DISABLED,
)
SPREADS = (WAITED, RENDERED, PEAKS)

# Rows of a Spread: one for each bucket (not cumulated, `le` in the measured unit) and one for the sum.
BUCKET, SUM, BEYOND = "_bucket", "_sum", "+Inf"


def label_text(labels: Mapping[str, str]) -> str:
    """Return labels as the database keeps them: one text for one set."""
    return json.dumps(dict(sorted(labels.items())))
