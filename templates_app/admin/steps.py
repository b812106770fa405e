"""The steps of a version, each a button with a page that asks before it does anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from templates_app.authoring.drafts import draft_create, draft_delete
from templates_app.authoring.publishing import version_activate, version_publish, version_retire
from templates_app.models import TemplateVersion, VersionStatus


@dataclass(frozen=True, slots=True)
class Wish:
    """Who takes a step, and what they ticked."""

    actor: str
    activate: bool = False
    allow_breaking: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """`perform` returns the version to go on with, None where there is none any more; raises ServiceError."""

    name: str
    label: str
    question: str
    done: str
    is_possible: Callable[[TemplateVersion], bool]
    perform: Callable[[TemplateVersion, Wish], TemplateVersion | None]
    is_danger: bool = False


def _publish(version: TemplateVersion, wish: Wish) -> TemplateVersion:
    return version_publish(
        version=version, activate=wish.activate, allow_breaking=wish.allow_breaking, actor=wish.actor
    )


def _clone(version: TemplateVersion, wish: Wish) -> TemplateVersion:
    template = version.template
    return draft_create(
        team=template.team, slug=template.slug, fields={"note": ""}, copy_of=version.version, actor=wish.actor
    )


def _discard(version: TemplateVersion, wish: Wish) -> None:
    draft_delete(version=version, actor=wish.actor)


def _is_draft(version: TemplateVersion) -> bool:
    return version.status == VersionStatus.DRAFT


def _is_published_elsewhere(version: TemplateVersion) -> bool:
    return version.status == VersionStatus.PUBLISHED and version.template.active_version_id != version.pk


STEPS = {
    step.name: step
    for step in (
        Step(
            "publish",
            "Publish",
            "Every check runs first. A published version never changes again.",
            "{version} is published.",
            _is_draft,
            _publish,
        ),
        Step(
            "activate",
            "Activate",
            "From now on jobs get this version that name none. Jobs that wait keep the version they were accepted for.",
            "{version} is the active version now.",
            _is_published_elsewhere,
            lambda version, wish: version_activate(version=version, actor=wish.actor),
        ),
        Step(
            "clone",
            "Clone to draft",
            "A new draft is made with the same sources, partials, schema, sample and assets.",
            "{version} is a new draft.",
            lambda version: True,
            _clone,
        ),
        Step(
            "retire",
            "Retire",
            "It takes no new jobs any more, for good. Jobs that it has keep it.",
            "{version} is retired.",
            _is_published_elsewhere,
            lambda version, wish: version_retire(version=version, actor=wish.actor),
            is_danger=True,
        ),
        Step(
            "discard",
            "Discard",
            "The draft and everything in it is gone for good.",
            "{version} was discarded.",
            _is_draft,
            _discard,
            is_danger=True,
        ),
    )
}


def steps_for(version: TemplateVersion) -> Iterator[Step]:
    """Yield the steps that the version's state allows."""
    return (step for step in STEPS.values() if step.is_possible(version))
