"""What waits and runs at this moment, by queries whose cost is bounded."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Q
from django.db.models.functions import Now
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from jobs_app import queue
from jobs_app.models import DeliveryStatus, Job, JobQuerySet, WebhookDelivery
from jobs_app.states import Kind

# Counted exactly up to here; a longer queue is shown as this long. Keeps a scrape cheap whatever waits.
COUNT_AT_MOST = 100_000


def live_gauges() -> Iterator[Metric]:
    """Return the gauges. Raises a database error."""
    jobs = GaugeMetricFamily(
        "pdfservice_jobs",
        f"Jobs that have not ended, by state; counted up to {COUNT_AT_MOST:,} a state.",
        labels=("state", "kind"),
    )
    waiting = Job.objects.claimable().order_by()
    states = {
        "queued": waiting,
        "retrying": Job.objects.waiting_for_retry(),
        "processing": Job.objects.under_way(),
    }
    depth = 0
    for state, rows in states.items():
        counts = _by_kind(rows)
        depth = sum(counts.values()) if state == "queued" else depth
        for kind, count in counts.items():
            jobs.add_metric((state, kind), count)
    yield jobs
    yield GaugeMetricFamily("pdfservice_queue_depth", "Jobs that a worker could take now.", value=depth)
    yield GaugeMetricFamily(
        "pdfservice_queue_oldest_seconds",
        "How long the job that waits longest could have been taken; 0 when none waits.",
        value=_oldest_seconds(waiting),
    )
    owed = WebhookDelivery.objects.filter(status=DeliveryStatus.PENDING).order_by()
    yield GaugeMetricFamily(
        "pdfservice_webhooks_owed",
        f"Messages for webhooks that were not taken yet; counted up to {COUNT_AT_MOST:,}.",
        value=owed[:COUNT_AT_MOST].count(),
    )
    tickets = queue.outstanding()
    yield GaugeMetricFamily(
        "pdfservice_broker_up", "Whether the broker answers; the service works without.", value=int(tickets is not None)
    )


def _by_kind(rows: JobQuerySet) -> dict[str, int]:
    counts = {kind.value: Count("pk", filter=Q(kind=kind)) for kind in Kind}
    return rows[:COUNT_AT_MOST].aggregate(**counts)


def _oldest_seconds(waiting: JobQuerySet) -> float:
    oldest = waiting.order_by("due_since").annotate(now=Now()).values_list("due_since", "now").first()
    return max(0.0, (oldest[1] - oldest[0]).total_seconds()) if oldest else 0.0
