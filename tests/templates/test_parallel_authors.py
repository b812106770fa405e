"""Authors who act at the same moment."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from pdfservice.teams.models import AuditEvent
from templates_app.models import Template, TemplateVersion
from tests.templates.conftest import LETTER, Author

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(calls: list[tuple[Author, str, Any]]) -> list[Any]:
    """Call POST for all at once; return the responses."""

    def call(one: tuple[Author, str, Any]) -> Any:
        author, path, body = one
        try:
            return author.post(path, body)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


def test_drafts_made_at_once_get_a_number_each(author: Author) -> None:
    responses = at_once([(author, "/versions", LETTER)] * 6)
    assert [response.status_code for response in responses] == [201] * 6
    assert sorted(response.json()["version"] for response in responses) == [1, 2, 3, 4, 5, 6]


def test_a_draft_is_published_once_however_many_ask(author: Author) -> None:
    version = author.draft()
    responses = at_once([(author, f"/versions/{version}/publish", {})] * 4)
    statuses = Counter(response.status_code for response in responses)
    assert statuses[200] == 1
    # 409 for who came too late, 429 for who found no process free.
    assert set(statuses) <= {200, 409, 429}
    assert AuditEvent.objects.filter(action="version.published").count() == 1


def test_activating_and_retiring_at_once_leaves_no_retired_version_active(author: Author) -> None:
    for title in ("one", "two", "three"):
        author.published(title=title)
    for _ in range(3):
        at_once(
            [
                (author, "/versions/1/activate", {}),
                (author, "/versions/1/retire", {}),
                (author, "/versions/2/activate", {}),
                (author, "/versions/2/retire", {}),
            ]
        )
    active = Template.objects.get().active_version
    assert active is not None
    assert active.status == "published"
    assert TemplateVersion.objects.filter(status="retired").count() <= 2
