"""A team whose every document is a bomb, and another whose small documents are made all the while."""

from __future__ import annotations

import base64
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import pairwise
from typing import Any
from uuid import UUID

import httpx
import pytest

from templates_app.renderer.contracts import Engine, ErrorCode
from tests.processes.conftest import NewService
from tests.processes.service import ROOT, Service
from tests.renderer.hostile import swollen_files as swollen

TIMEOUT_SECONDS = 2
_SCOPES = ("jobs:read", "jobs:write", "templates:read", "templates:write")
_LOOPS = "{% for i in range(n) %}{% for j in range(n) %}{% endfor %}{% endfor %}"


def picture(content_type: str, data: bytes) -> str:
    """Return an image with its data."""
    return f'<img src="data:{content_type};base64,{base64.b64encode(data).decode()}">'


def svg(body: str, before: str = "") -> str:
    """Return a drawing as an image."""
    text = f'{before}<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99">{body}</svg>'
    return picture("image/svg+xml", text.encode())


def laughs(levels: int) -> str:
    """Return elements that use one another twice."""
    uses = (f'<g id="u{n}"><use href="#u{n - 1}"/><use href="#u{n - 1}"/></g>' for n in range(1, levels))
    return '<path id="u0" d="M0 0h9"/>' + "".join(uses)


# Engine, what the payload holds, and how it may end; None is a document, with what is wrong in it left out.
TIME, MEMORY, CRASH, FAULT = (
    ErrorCode.RENDER_TIMEOUT,
    ErrorCode.RENDER_MEMORY,
    ErrorCode.RENDER_CRASH,
    ErrorCode.TEMPLATE_ERROR,
)
BOMBS: dict[str, tuple[Engine, dict[str, Any], set[ErrorCode | None]]] = {
    "an endless loop": (Engine.PLUTOBOOK, {"n": 99_999}, {TIME}),
    "a huge colspan": (Engine.WEASYPRINT, {"html": "<table><tr><td colspan=65534>x</table>"}, {TIME, MEMORY}),
    "flex in flex": (Engine.WEASYPRINT, {"html": '<div style="display:flex">' * 60 + "x"}, {TIME}),
    "deep nesting": (Engine.PLUTOBOOK, {"html": "<table><tr><td>" * 20_000}, {TIME, MEMORY, CRASH, None}),
    "deep nesting, slowly": (Engine.WEASYPRINT, {"html": "<div>" * 90_000}, {TIME, FAULT}),
    "a memory bomb": (Engine.PLUTOBOOK, {"html": "<table>" + "<tr><td>x" * 100_000}, {TIME, MEMORY}),
    "elements without number": (Engine.WEASYPRINT, {"html": "<br>" * 200_000}, {TIME, MEMORY}),
    "use of use": (Engine.WEASYPRINT, {"html": svg(laughs(40) + '<use href="#u39"/>')}, {TIME, MEMORY, None}),
    "use of use, quickly": (Engine.PLUTOBOOK, {"html": svg(laughs(40) + '<use href="#u39"/>')}, {TIME, MEMORY}),
    "a crash": (Engine.PLUTOBOOK, {"html": svg("<g>" * 100_000)}, {CRASH, TIME, MEMORY, None}),
    "a picture of 100,000 by 20,000": (
        Engine.WEASYPRINT,
        {"html": picture("image/png", swollen.png(100_000, 2_000))},
        {TIME, MEMORY, None},
    ),
    "variables of variables": (
        Engine.WEASYPRINT,
        {"html": "<style>:root{--a0:x;" + "".join(f"--a{n + 1}:var(--a{n}) var(--a{n});" for n in range(40))
         + "}p{color:var(--a40)}</style><p>x"},
        {TIME, MEMORY},
    ),
}  # fmt: skip


@pytest.fixture
def attacked(new_service: NewService) -> Iterator[Service]:
    """A service with short limits and two workers."""
    with new_service(RENDER_TIMEOUT=str(TIMEOUT_SECONDS), RENDER_MEMORY_MB="256", REQUESTS_PER_MINUTE="100000") as made:
        made.start("web", "work", "maintain")
        made.wait_until_ready()
        yield made


@pytest.mark.slow
def test_bombs_of_every_kind_end_as_named_errors_while_small_jobs_beside_them_keep_finishing(attacked: Service) -> None:
    with closing(hostile_team(attacked)) as enemy:
        bombs = {name: submit(enemy, engine.value, payload) for name, (engine, payload, _) in BOMBS.items()}
        waits: list[float] = []
        left = [len(bombs)]
        while not all_met(attacked, bombs.values()):
            begun = time.monotonic()
            [small] = attacked.submit(1)
            attacked.wait_until_done([small])
            waits.append(time.monotonic() - begun)
            left.append(unmet(attacked, bombs.values()))
            assert len(waits) < 2_000, "the bombs do not end"
        # Both workers may be in the middle of a bomb; then it is this team's turn.
        assert max(waits) < 2 * TIMEOUT_SECONDS + 20
        # Two workers: one of our documents after two bombs, and some more that end at once.
        assert max(before - after for before, after in pairwise(left)) <= len(bombs) // 2
        for name, job in bombs.items():
            codes = {None if code is None else str(code) for code in BOMBS[name][2]}
            assert first_end(attacked, job) in codes, name
    attacked.wait_until_done(attacked.submit(4))


def hostile_team(service: Service) -> httpx.Client:
    """Return a client of a second team, which has a template for each engine that prints and loops as it is told."""
    command = [sys.executable, str(ROOT / "manage.py"), "create_team", "umbrella", "--user", "eve"]
    command += [word for scope in _SCOPES for word in ("--scope", scope)]
    made = subprocess.run(command, env=service.environment(), check=True, capture_output=True, text=True)
    key = made.stdout.strip().splitlines()[-1]
    client = httpx.Client(
        base_url=service.base, headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False
    )
    for engine in Engine:
        source: dict[str, Any] = {
            "language": "jinja2",
            "engine": engine.value,
            "html_source": _LOOPS + "<p>begun {{ html|safe }}",
        }
        source |= {"trusted_fields": ["html"], "sample_payload": {"n": 1, "html": "<b>x</b>"}}
        answers = [
            client.post("/pdf/templates", json={"slug": engine.value, "name": engine.value}),
            client.post(f"/pdf/templates/{engine.value}/versions", json=source),
            client.post(f"/pdf/templates/{engine.value}/versions/1/publish", json={"activate": True}),
        ]
        assert [answer.status_code for answer in answers] == [201, 201, 200], [each.text for each in answers]
    return client


def submit(client: httpx.Client, template: str, payload: dict[str, Any]) -> UUID:
    """Ask for a document; return the job."""
    answer = client.post("/pdf/generate", json={"template": template, "payload": {"n": 1, "html": "", **payload}})
    assert answer.status_code == 202, answer.text
    return UUID(answer.json()["id"])


def first_end(service: Service, job: UUID) -> str | None:
    """Return the error code of a job's first attempt, None for a document; fail if it has not ended."""
    sql = f"""SELECT a.error_code, a.outcome FROM jobs_app_jobattempt a JOIN jobs_app_job j ON j.id = a.job_id
              WHERE a.number = 1 AND j.external_id IN ('{job}', '{job.hex}')"""  # noqa: S608  # a UUID
    [(code, outcome)] = service.query(sql)
    assert outcome in {"done", "failed", "retry"}, outcome
    return str(code) or None


def unmet(service: Service, jobs: Iterable[UUID]) -> int:
    """Count the jobs whose first attempt has not ended."""
    ended = """SELECT j.external_id FROM jobs_app_jobattempt a JOIN jobs_app_job j ON j.id = a.job_id
               WHERE a.finished_at IS NOT NULL"""
    met = {UUID(str(row[0])) for row in service.query(ended)}
    return sum(job not in met for job in jobs)


def all_met(service: Service, jobs: Iterable[UUID]) -> bool:
    """Say whether each has been tried once to its end."""
    return unmet(service, jobs) == 0
