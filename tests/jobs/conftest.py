"""Templates that render in milliseconds, and jobs that ask for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from jobs_app import executor, transitions
from jobs_app.batches import settlement
from jobs_app.models import Batch, Job
from jobs_app.states import Kind
from jobs_app.submission import RenderRequest, job_submit
from templates_app import rendering
from templates_app.models import TemplateVersion
from templates_app.renderer.contracts import Engine, Language
from templates_app.renderer_pools import authoring_pool
from templates_app.services import VersionSource, version_publish_new
from tests.conftest import Member

WORKER = "here/1"

Submit = Callable[..., Job]


def publish(member: Member, slug: str, html: str, engine: Engine = Engine.PLUTOBOOK, **more: Any) -> TemplateVersion:
    """Publish `html` (Jinja2) as the active version of a template."""
    source = VersionSource(language=Language.JINJA2, engine=engine, html_source=html, **more)
    return version_publish_new(team=member.team, slug=slug, name=slug, source=source, actor="test")


@pytest.fixture
def letter(alice: Member) -> TemplateVersion:
    """A template of acme's that needs a name."""
    return publish(alice, "letter", "<h1>Dear {{ name }}</h1>")


@pytest.fixture
def submit(alice: Member, letter: TemplateVersion) -> Submit:
    """Submit a letter as Alice: `submit(payload={…}, **what a RenderRequest takes)`."""

    def _submit(payload: dict[str, Any] | None = None, **wishes: Any) -> Job:
        wishes = {"template": "letter", "dedup": False, **wishes}
        request = RenderRequest(payload=payload or {"name": "Ada"}, **wishes)
        return job_submit(caller=alice.caller, request=request).job

    return _submit


@pytest.fixture
def claim() -> Callable[[], Job]:
    """Claim the best waiting job; fails the test when there is none."""

    def _claim() -> Job:
        job = transitions.claim(worker=WORKER)
        assert job is not None
        return job

    return _claim


@pytest.fixture(scope="session", autouse=True)
def _close_the_sandbox() -> Iterator[None]:
    yield
    rendering.sandbox().close()
    authoring_pool.close()


def post_batch(asker: Member, items: Sequence[Any], **more: Any) -> Any:
    """Ask for a batch of letters."""
    return asker.api.post("/pdf/batches", {"template": "letter", "items": items, **more}, format="json")


def letters(*names: str) -> list[dict[str, Any]]:
    """Return items for letters to `names`, each with its name as reference."""
    return [{"payload": {"name": name}, "reference": name} for name in names]


def expand() -> None:
    """Do what a worker does with the best waiting job, which is the expansion of a batch."""
    job = transitions.claim(worker=WORKER)
    assert job is not None
    assert job.kind == Kind.EXPAND
    executor.perform(job)
    settlement.settle_after(job)


def accepted_batch(asker: Member, items: Sequence[Any], **more: Any) -> Batch:
    """Ask for a batch and expand it."""
    response = post_batch(asker, items, **more)
    assert response.status_code == 202, response.json()
    expand()
    return Batch.objects.get(external_id=response.json()["id"])
