"""Templates as authors make them: over the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from templates_app.renderer_pools import authoring_pool, schema_pool
from tests.conftest import Member

LETTER = {
    "language": "jinja2",
    "engine": "plutobook",
    "html_source": "<title>Letter</title>\n<h1>Dear {{ name }}</h1>",
    "sample_payload": {"name": "Ada"},
}


class Author:
    """A member who calls the template API; every answer is DRF's response."""

    def __init__(self, member: Member, slug: str = "letter") -> None:
        self.member = member
        self.slug = slug

    @property
    def url(self) -> str:
        """The template's address."""
        return f"/pdf/templates/{self.slug}"

    def post(self, path: str, body: Any = None) -> Any:
        """Call POST below the template."""
        return self.member.api.post(self.url + path, {} if body is None else body, format="json")

    def get(self, path: str = "") -> Any:
        """Call GET below the template."""
        return self.member.api.get(self.url + path)

    def patch(self, version: int, **fields: Any) -> Any:
        """Change a draft."""
        return self.member.api.patch(f"{self.url}/versions/{version}", fields, format="json")

    def draft(self, **fields: Any) -> int:
        """Make a draft of a letter with other fields; return its number."""
        response = self.post("/versions", {**LETTER, **fields})
        assert response.status_code == 201, response.content
        return int(response.json()["version"])

    def publish(self, version: int, **wishes: Any) -> Any:
        """Publish a draft."""
        return self.post(f"/versions/{version}/publish", wishes)

    def published(self, **fields: Any) -> int:
        """Make and publish a draft; return its number."""
        version = self.draft(**fields)
        response = self.publish(version)
        assert response.status_code == 200, response.content
        return version

    def findings(self, **fields: Any) -> list[dict[str, Any]]:
        """Return what publishing a draft with these fields finds, refused or not."""
        response = self.publish(self.draft(**fields))
        found: list[dict[str, Any]] = response.json()["findings"]
        return found


def codes(findings: list[dict[str, Any]]) -> list[str]:
    """Return severity and code of each."""
    return [f"{finding['severity']} {finding['code']}" for finding in findings]


@pytest.fixture
def author(alice: Member) -> Author:
    """Alice, with a template."""
    alice.api.post("/pdf/templates", {"slug": "letter", "name": "Letter"}, format="json")
    return Author(alice)


@pytest.fixture(scope="session", autouse=True)
def _close_the_pools() -> Iterator[None]:
    yield
    authoring_pool.close()
    schema_pool.close()
