"""The OpenAPI document and Swagger UI."""

from __future__ import annotations

import re

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.test import Client

pytestmark = pytest.mark.django_db

ENDPOINTS = {
    ("post", "/pdf/generate"),
    ("get", "/pdf/jobs"),
    ("get", "/pdf/jobs/{job_id}"),
    ("get", "/pdf/jobs/{job_id}/file"),
    ("get", "/pdf/jobs/{job_id}/events"),
    ("get", "/pdf/jobs/{job_id}/attempts"),
    ("post", "/pdf/jobs/{job_id}/cancel"),
    ("post", "/pdf/jobs/{job_id}/retry"),
    ("post", "/pdf/jobs/retry"),
    ("get", "/pdf/jobs/{job_id}/links"),
    ("post", "/pdf/jobs/{job_id}/links"),
    ("delete", "/pdf/links/{link_id}"),
    ("get", "/pdf/brand"),
    ("patch", "/pdf/brand"),
    ("put", "/pdf/brand/logo"),
    ("delete", "/pdf/brand/logo"),
    ("get", "/pdf/batches"),
    ("post", "/pdf/batches"),
    ("get", "/pdf/batches/{batch_id}"),
    ("get", "/pdf/batches/{batch_id}/items"),
    ("get", "/pdf/batches/{batch_id}/file"),
    ("post", "/pdf/batches/{batch_id}/cancel"),
    ("post", "/pdf/batches/{batch_id}/retry-failed"),
    ("get", "/pdf/watermarks"),
    ("post", "/pdf/watermarks"),
    ("get", "/pdf/watermarks/{watermark_id}"),
    ("patch", "/pdf/watermarks/{watermark_id}"),
    ("delete", "/pdf/watermarks/{watermark_id}"),
    ("get", "/pdf/webhooks"),
    ("post", "/pdf/webhooks"),
    ("get", "/pdf/webhooks/{webhook_id}"),
    ("patch", "/pdf/webhooks/{webhook_id}"),
    ("delete", "/pdf/webhooks/{webhook_id}"),
    ("post", "/pdf/webhooks/{webhook_id}/rotate-secret"),
    ("post", "/pdf/webhooks/{webhook_id}/test"),
    ("get", "/pdf/webhooks/{webhook_id}/deliveries"),
    ("post", "/pdf/webhooks/{webhook_id}/deliveries/{delivery_id}/replay"),
    ("get", "/pdf/templates"),
    ("post", "/pdf/templates"),
    ("get", "/pdf/templates/{slug}"),
    ("get", "/pdf/templates/{slug}/versions"),
    ("post", "/pdf/templates/{slug}/versions"),
    ("get", "/pdf/templates/{slug}/versions/{version}"),
    ("patch", "/pdf/templates/{slug}/versions/{version}"),
    ("delete", "/pdf/templates/{slug}/versions/{version}"),
    ("post", "/pdf/templates/{slug}/versions/{version}/publish"),
    ("post", "/pdf/templates/{slug}/versions/{version}/activate"),
    ("post", "/pdf/templates/{slug}/versions/{version}/retire"),
    ("post", "/pdf/templates/{slug}/versions/{version}/preview"),
    ("get", "/pdf/templates/{slug}/versions/{version}/assets"),
    ("post", "/pdf/templates/{slug}/versions/{version}/assets"),
    ("delete", "/pdf/templates/{slug}/versions/{version}/assets/{name}"),
    ("get", "/pdf/templates/{slug}/versions/{version}/partials"),
    ("post", "/pdf/templates/{slug}/versions/{version}/partials"),
    ("delete", "/pdf/templates/{slug}/versions/{version}/partials/{name}"),
}


def test_the_schema_is_valid_and_without_warnings() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")


def test_the_schema_names_every_endpoint() -> None:
    schema = Client().get("/api/schema/?format=json").json()
    described = {(method, path) for path, methods in schema["paths"].items() for method in methods}
    assert described == ENDPOINTS


def test_every_operation_may_answer_with_a_problem_that_is_described() -> None:
    schema = Client().get("/api/schema/?format=json").json()
    refused = Client().get("/pdf/jobs").json()
    assert set(schema["components"]["schemas"]["Problem"]["properties"]) == set(refused)
    for operations in schema["paths"].values():
        for operation in operations.values():
            assert "application/problem+json" in operation["responses"]["default"]["content"]
            assert operation["summary"]


def test_every_operation_may_refuse_for_coming_too_often_with_the_headers_that_it_sends(settings: LazySettings) -> None:
    schema = Client().get("/api/schema/?format=json").json()
    for operations in schema["paths"].values():
        for operation in operations.values():
            assert operation["responses"]["429"] == {"$ref": "#/components/responses/TooMany"}
    settings.UNAUTHENTICATED_PER_MINUTE = 1
    refused = [Client().get("/pdf/jobs") for _ in range(2)][1]
    assert refused.status_code == 429
    described = schema["components"]["responses"]["TooMany"]["headers"]
    assert described.keys() <= refused.headers.keys()


def test_swagger_ui_loads_nothing_from_elsewhere() -> None:
    page = Client().get("/api/docs/")
    assert page.status_code == 200
    addresses = re.findall(r"""(?:src|href)=["']([^"']+)""", page.content.decode())
    assert addresses
    assert all(address.startswith(("/", "data:")) for address in addresses), addresses
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]
