"""A worker that starts makes ready what is asked for most."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs_app import executor, shutdown, warming
from jobs_app.models import Job
from jobs_app.states import Status
from templates_app import rendering
from templates_app.renderer.contracts import RenderedDocument, RenderSpec
from templates_app.renderer.sandbox import Sandbox
from tests.conftest import Member
from tests.jobs.conftest import WORKER, Submit, publish

# Without a sample it does not end before the renderer's own limit.
LOOP = "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}"
ENDLESS = "{% if slow is undefined %}" + LOOP + "{% endif %}x"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """Return tenant and source of every document that is rendered from now on."""
    seen: list[tuple[str, str]] = []
    render = Sandbox.render

    def note(self: Sandbox, spec: RenderSpec, *, tenant: str) -> RenderedDocument:
        seen.append((tenant, spec.html_source))
        return render(self, spec, tenant=tenant)

    monkeypatch.setattr(Sandbox, "render", note)
    yield seen
    shutdown._requested.value = False


def made(submit: Submit, template: str, times: int) -> None:
    """Have a template's document made so often."""
    for _ in range(times):
        submit(template=template)
    executor.work_off(worker=WORKER)


def test_the_templates_that_most_documents_had_are_made_once_each_the_most_popular_last(
    alice: Member, submit: Submit, rendered: list[tuple[str, str]]
) -> None:
    for name, times in (("rare", 1), ("third", 2), ("common", 4), ("second", 3)):
        publish(alice, name, f"<p>{name}")
        made(submit, name, times)
    rendered.clear()
    assert warming.warm_up() == 3
    assert rendered == [(str(alice.team.pk), f"<p>{name}") for name in ("third", "second", "common")]
    assert Job.objects.exclude(status=Status.DONE).count() == 0, "it is no job"


def test_a_worker_that_has_work_does_that_instead(
    alice: Member, submit: Submit, rendered: list[tuple[str, str]]
) -> None:
    publish(alice, "letter", "<p>letter")
    made(submit, "letter", 1)
    submit(template="letter")
    rendered.clear()
    assert warming.warm_up() == 0
    assert rendered == []


def test_a_service_that_has_made_nothing_warms_nothing(alice: Member, rendered: list[tuple[str, str]]) -> None:
    assert warming.warm_up() == 0
    assert rendered == []


def test_a_template_whose_sample_cannot_be_made_keeps_nobody_from_the_others(
    alice: Member, submit: Submit, rendered: list[tuple[str, str]]
) -> None:
    publish(alice, "needy", "<p>{{ name }}")
    publish(alice, "letter", "<p>letter")
    for _ in range(2):
        submit({"name": "Ada"}, template="needy")
    made(submit, "letter", 1)
    rendered.clear()
    assert warming.warm_up() == 1
    assert {source for _, source in rendered} == {"<p>{{ name }}", "<p>letter"}


def test_a_template_that_hangs_is_given_up(alice: Member, submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(alice, "slow", ENDLESS)
    submit({"slow": False}, template="slow")
    executor.work_off(worker=WORKER)
    monkeypatch.setattr(warming, "_SECONDS", 0.3)
    assert warming.warm_up() == 0
    submit({"slow": False}, template="slow")
    assert executor.work_off(worker=WORKER) == 1, "and the worker goes on"
    assert set(Job.objects.values_list("status", flat=True)) == {Status.DONE}


def test_a_worker_that_is_told_to_stop_warms_nothing_more(
    alice: Member, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(alice, "slow", ENDLESS)
    submit({"slow": False}, template="slow")
    executor.work_off(worker=WORKER)
    shutdown.request()
    try:
        assert warming.warm_up() == 0
    finally:
        shutdown._requested.value = False


def test_the_sample_that_was_made_leaves_its_files_in_memory_and_its_child_warm(
    alice: Member, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(alice, "letter", "<p>letter")
    made(submit, "letter", 1)
    rendering.sandbox().close()
    assert executor.prepare()
    assert warming.warm_up() == 1
    seen: list[RenderedDocument] = []
    render = Sandbox.render

    def note(self: Sandbox, spec: RenderSpec, *, tenant: str) -> RenderedDocument:
        document = render(self, spec, tenant=tenant)
        seen.append(document)
        return document

    monkeypatch.setattr(Sandbox, "render", note)
    made(submit, "letter", 1)
    [document] = seen
    assert not document.is_childs_first
