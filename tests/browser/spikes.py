"""The month-end spike of the dashboard: started as an operator does, judged by the page and then by the rows."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page

from tests.processes.service import Service


def limit_queue(service: Service, jobs: int) -> None:
    """Let no more than so many jobs of acme's wait."""
    service.execute(f"UPDATE teams_team SET max_queued = {int(jobs)} WHERE slug = 'acme'")  # noqa: S608  # a number


def start_spike(page: Page, template: str, documents: int) -> None:
    """Open the operations and start the spike."""
    page.locator("#operations > summary").click()
    page.get_by_role("tab", name="Month-end spike").click()
    panel = page.locator("#panel-spike")
    panel.get_by_label("Template").select_option(template)
    panel.get_by_label("Invoices").fill(str(documents))
    panel.get_by_role("button", name="Start the spike").click()


def verdict_of(page: Page, *, seconds: float) -> dict[str, Any]:
    """Wait for the verdict and return its figures; fail with what the page says when there is none."""
    verdict = page.locator("#spike-verdict")
    said = page.locator("#panel-spike .outcome.bad")
    verdict.or_(said).first.wait_for(timeout=seconds * 1000)
    assert not said.count(), said.text_content()
    found: dict[str, Any] = json.loads(verdict.get_attribute("data-result") or "{}")
    return found


def check_rows(service: Service, result: dict[str, Any]) -> None:
    """Compare what the page found over the API with the database. For a service that did nothing else before.

    Each item has an end, each job of an item was made once: one attempt that finished it, one event, one live file.
    """
    items = service.query(
        """SELECT count(*), sum(CASE WHEN j.status = 'done' THEN 1 ELSE 0 END),
                  sum(CASE WHEN i.error_code <> '' OR j.status = 'failed' THEN 1 ELSE 0 END), count(DISTINCT i.job_id)
           FROM jobs_app_batchitem i LEFT JOIN jobs_app_job j ON j.id = i.job_id"""
    )[0]
    assert items[:3] == (result["accepted"], result["done"], result["failed"])
    assert result["accepted"] == result["done"] + result["failed"]
    assert items[3] == result["documents"]
    unfinished = service.query("SELECT count(*) FROM jobs_app_job WHERE status NOT IN ('done', 'failed')")
    assert unfinished == [(0,)]
    for table, condition in (
        ("jobs_app_jobattempt a ON a.job_id = j.id", "a.outcome = 'done'"),
        ("teams_auditevent a ON a.subject_id = j.external_id", "a.action = 'job.done'"),
        ("downloads_app_storedfile a ON a.id = j.output_id", "a.state = 'live'"),
    ):
        once = service.query(
            f"SELECT count(*), count(DISTINCT j.id) FROM jobs_app_job j JOIN {table} "  # noqa: S608  # ours, all of it
            f"WHERE j.kind = 'render' AND j.status = 'done' AND {condition}"
        )[0]
        assert once[0] == once[1] == items[3] + result["urgent"], (table, once, items, result)
