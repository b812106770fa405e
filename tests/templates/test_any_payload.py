"""Whatever JSON comes over HTTP: a document, or a refusal that says why. Never a 5xx."""

from __future__ import annotations

import json
from typing import Any

import pypdfium2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.renderer.test_any_payload import PAYLOADS, SOURCES, VALUES
from tests.templates.conftest import Author

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
# What a test's own database and files hold, every example may share.
SHARED = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CASES = [(language, sources[0]) for language, sources in SOURCES.items()]


@pytest.fixture(params=CASES, ids=[language for language, _ in CASES])
def version(author: Author, request: pytest.FixtureRequest) -> int:
    """A draft in each language."""
    language, source = request.param
    return author.draft(language=language.value, html_source=source, sample_payload=None)


@SHARED
@given(payload=PAYLOADS)
def test_a_preview_of_any_payload_is_a_document_or_says_what_is_wrong(
    author: Author, version: int, payload: Any
) -> None:
    response = author.post(f"/versions/{version}/preview", {"payload": payload})
    if response.status_code == 200:
        with pypdfium2.PdfDocument(response.content) as pdf:
            assert len(pdf) > 0
        return
    assert response.status_code in {400, 422}, response.content
    problem = response.json()
    assert problem["code"] in {"invalid_request", "template_error", "payload_error"}
    assert "Traceback" not in json.dumps(problem)


@SHARED
@given(payload=st.one_of(VALUES, st.binary(max_size=60)))
def test_any_body_is_accepted_or_refused(author: Author, version: int, payload: Any) -> None:
    author.publish(version)
    body = payload if isinstance(payload, bytes) else json.dumps({"template": "letter", "payload": payload}).encode()
    response = author.member.api.post("/pdf/generate", body, content_type="application/json")
    assert response.status_code in {202, 400, 404, 422}, response.content
