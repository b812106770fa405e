"""Two versions of a template beside each other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from templates_app.models import Template, TemplateVersion
from tests.conftest import Member
from tests.templates.conftest import Author

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pair(author: Author) -> tuple[TemplateVersion, TemplateVersion]:
    """A published letter, and a draft with another source and sample."""
    author.published()
    author.draft(html_source="<p>Hello {{ name }}</p>", sample_payload={"name": "Grace"})
    one, two = TemplateVersion.objects.order_by("version")
    return one, two


def compare_url(version: TemplateVersion, other: Any) -> str:
    """Return the address of a comparison."""
    return f"/admin/templates_app/templateversion/{version.pk}/compare/?with={other}"


def look(member: Member, version: TemplateVersion, **body: Any) -> Any:
    """Ask for the pages of a version."""
    url = f"/admin/templates_app/templateversion/{version.pk}/pages/"
    return member.browser.post(url, json.dumps({"sitting": "c", **body}), content_type="application/json")


def test_the_older_version_stands_on_the_left(alice: Member, pair: tuple[TemplateVersion, TemplateVersion]) -> None:
    one, two = pair
    for url in (compare_url(one, two.pk), compare_url(two, one.pk)):
        page = alice.browser.get(url)
        assert page.status_code == 200
        state = page.context["state"]
        assert (state["old"]["version"], state["new"]["version"]) == (1, 2)
        assert state["old"]["texts"]["Source"].startswith("<title>Letter")
        assert state["new"]["texts"]["Source"] == "<p>Hello {{ name }}</p>"


def test_pages_are_made_with_the_sample_of_either(alice: Member, pair: tuple[TemplateVersion, TemplateVersion]) -> None:
    one, two = pair
    pictures = [look(alice, one, sample_of=sample.pk).json()["pages"]["large"][0] for sample in (one, two, one)]
    assert pictures[0] == pictures[2] != pictures[1]


def test_only_versions_of_one_template_are_compared(
    alice: Member, pair: tuple[TemplateVersion, TemplateVersion]
) -> None:
    other = Template.objects.create(team=alice.team, slug="other", name="Other")
    stranger = TemplateVersion.objects.create(template=other, version=1, language="jinja2")
    for wrong in (stranger.pk, 999_999, "", "x", "1" * 40):
        assert alice.browser.get(compare_url(pair[0], wrong)).status_code == 404
    assert look(alice, pair[0], sample_of=stranger.pk).status_code == 404
    assert look(alice, pair[0]).status_code == 400


def test_viewers_and_strangers_compare_nothing(
    bob: Member, charlie: Member, pair: tuple[TemplateVersion, TemplateVersion]
) -> None:
    one, two = pair
    for person, status in ((bob, 403), (charlie, 404)):
        assert person.browser.get(compare_url(one, two.pk)).status_code == status
        assert look(person, one, sample_of=two.pk).status_code == status
